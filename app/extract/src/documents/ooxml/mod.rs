//! Office Open XML: DOCX, PPTX and XLSX.

pub mod docx;
mod package;
pub mod pptx;
pub mod xlsx;
