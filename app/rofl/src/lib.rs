//! rofl
