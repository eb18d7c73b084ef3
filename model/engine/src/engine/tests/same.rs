//! The same request gives the same tokens, whatever happens around it.

use super::*;

fn engine(shape: &synthetic::Shape, with: Threads, drafts: Drafts) -> Engine {
    let settings = Settings { drafts, ..Settings::default() };
    Engine::new(model(shape), with, &settings).unwrap()
}

fn shapes() -> [synthetic::Shape; 4] {
    let coarse = synthetic::Shape { mix: synthetic::Mix::All(synthetic::Kind::Q4_1), ..synthetic::Shape::tiny_llama() };
    [
        synthetic::Shape::tiny_qwen3(),
        synthetic::Shape::tiny_qwen2(),
        coarse,
        synthetic::Shape { layers: 1, ..synthetic::Shape::tiny_llama() },
    ]
}

fn alone(shape: &synthetic::Shape, prompt: &[u32]) -> Written {
    engine(shape, plain(), Drafts::Fixed(0)).generate(request(prompt.to_vec(), 48)).unwrap()
}

#[test]
fn alone_and_in_a_batch() {
    for shape in shapes() {
        let engine = engine(&shape, plain(), Drafts::Adaptive);
        let prompts: Vec<Vec<u32>> = (0..8).map(|number| prompt(30 + 97 * number, number as u32)).collect();
        let together = engine.generate_all(prompts.iter().map(|prompt| request(prompt.clone(), 48)).collect()).unwrap();
        for (prompt, written) in prompts.iter().zip(together) {
            assert_eq!(written, alone(&shape, prompt));
            assert_eq!(written.ids.len(), 48);
        }
    }
}

#[test]
fn on_every_instruction_set_and_number_of_threads() {
    let prompt = prompt(333, 5);
    for shape in shapes() {
        let expected = alone(&shape, &prompt);
        for isa in Isa::available() {
            for count in [1, 2, 3] {
                let engine = engine(&shape, threads(count, isa), Drafts::Adaptive);
                assert_eq!(engine.generate(request(prompt.clone(), 48)).unwrap(), expected, "{isa:?} {count}");
            }
        }
    }
}

#[test]
fn with_and_without_guesses_of_any_length() {
    for shape in shapes() {
        for prompt in [repetitive(200), prompt(100, 9)] {
            let expected = alone(&shape, &prompt);
            for length in [1, 2, 3] {
                let engine = engine(&shape, plain(), Drafts::Fixed(length));
                assert_eq!(engine.generate(request(prompt.clone(), 48)).unwrap(), expected);
            }
        }
    }
}

#[test]
fn rules_hold_in_the_same_way_with_and_without_guesses() {
    let shape = synthetic::Shape { layers: 1, ..synthetic::Shape::tiny_llama() };
    let write = |drafts| {
        let engine = engine(&shape, plain(), drafts);
        let rules = Rules {
            ends: vec![301],
            no_repeat: Some(NoRepeat { tokens: 4, except: Vec::new() }),
            adjust: Some(Box::new(|written, logits| logits[written.len() % 7] = 1e9)),
            stop: Some(Box::new(|written| written.len() >= 40)),
        };
        engine.generate(Request { rules, ..request(repetitive(120), 64) }).unwrap()
    };
    let expected = write(Drafts::Fixed(0));
    assert_eq!(expected.ids.len(), 40);
    for run in 0..expected.ids.len() - 4 {
        let again = expected.ids[run + 1..].windows(4).any(|window| *window == expected.ids[run..run + 4]);
        assert!(!again, "a run of four occurs twice");
    }
    for length in 1..=3 {
        assert_eq!(write(Drafts::Fixed(length)), expected);
    }
}
