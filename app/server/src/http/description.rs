//! `GET /v1/service`: what is sold, by which models, at what price (SPEC 5.5).

use axum::Json;
use precis_protocol::service::ServiceDescription;

use super::Ready;

/// The service description.
pub async fn get(Ready(service): Ready) -> Json<ServiceDescription> {
    Json(service.describe())
}
