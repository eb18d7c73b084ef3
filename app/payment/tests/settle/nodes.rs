//! Several nodes behind one address, some of which lag or lie. Which one takes a call is decided by a seed.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use precis_devnet::chain::lag::View;
use serde_json::Value;

struct Shared {
    target: String,
    http: reqwest::Client,
    views: Mutex<(Vec<View>, u64)>,
    calls: Mutex<Vec<String>>,
}

#[derive(Clone)]
pub struct Nodes {
    pub url: String,
    shared: Arc<Shared>,
}

impl Nodes {
    /// One honest node.
    pub async fn before(target: &str) -> Self {
        let shared = Arc::new(Shared {
            target: target.into(),
            http: crate::world::http_client(),
            views: Mutex::new((vec![View::default()], 0)),
            calls: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(forward)).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// From now on these take the calls, at random.
    pub fn set(&self, views: &[View], seed: u64) {
        *self.shared.views.lock().unwrap() = (views.to_vec(), seed);
    }

    /// From now on all of them know everything.
    pub fn heal(&self) {
        self.set(&[View::default()], 0);
    }

    /// The methods that were called since this was asked last.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.calls.lock().unwrap())
    }
}

impl Shared {
    /// The node that takes the next call (SplitMix64).
    fn next(&self) -> View {
        let (views, seed) = &mut *self.views.lock().unwrap();
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        views[usize::try_from((mixed ^ (mixed >> 31)) % views.len() as u64).unwrap()]
    }
}

async fn forward(State(shared): State<Arc<Shared>>, Json(call): Json<Value>) -> Result<Json<Value>, StatusCode> {
    shared.calls.lock().unwrap().push(call["method"].as_str().unwrap().to_owned());
    let ask = |call: Value| {
        let request = shared.http.post(&shared.target).json(&call);
        async {
            let answer = request.send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
            answer.json::<Value>().await.map_err(|_| StatusCode::BAD_GATEWAY)
        }
    };
    shared.next().answer(call, ask).await.map(Json)
}
