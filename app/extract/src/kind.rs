//! The kinds of documents, by their names, media types and file extensions.

/// A kind of document that text is read from (SPEC 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "documents", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Kind {
    /// Plain text.
    Plain,
    /// Markdown, as it stands.
    Markdown,
    /// A web page.
    Html,
    /// PDF.
    Pdf,
    /// A Word document.
    Docx,
    /// A `PowerPoint` presentation.
    Pptx,
    /// An Excel workbook.
    Xlsx,
    /// Comma-separated values.
    Csv,
    /// An `OpenDocument` text.
    Odt,
    /// An electronic book.
    Epub,
    /// Rich Text Format.
    Rtf,
    /// An Internet message (RFC 5322).
    Mail,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Plain,
        Self::Markdown,
        Self::Html,
        Self::Pdf,
        Self::Docx,
        Self::Pptx,
        Self::Xlsx,
        Self::Csv,
        Self::Odt,
        Self::Epub,
        Self::Rtf,
        Self::Mail,
    ];

    /// As people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain text",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::Pdf => "PDF",
            Self::Docx => "DOCX",
            Self::Pptx => "PPTX",
            Self::Xlsx => "XLSX",
            Self::Csv => "CSV",
            Self::Odt => "ODT",
            Self::Epub => "EPUB",
            Self::Rtf => "RTF",
            Self::Mail => "e-mail",
        }
    }

    /// As it stands in `Content-Type`, without parameters.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain",
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Pptx => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv",
            Self::Odt => "application/vnd.oasis.opendocument.text",
            Self::Epub => "application/epub+zip",
            Self::Rtf => "application/rtf",
            Self::Mail => "message/rfc822",
        }
    }

    /// File extensions, lower case, without the dot.
    #[must_use]
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["txt", "text"],
            Self::Markdown => &["md", "markdown"],
            Self::Html => &["html", "htm", "xhtml"],
            Self::Pdf => &["pdf"],
            Self::Docx => &["docx", "docm", "dotx"],
            Self::Pptx => &["pptx", "pptm", "ppsx"],
            Self::Xlsx => &["xlsx", "xlsm"],
            Self::Csv => &["csv", "tsv"],
            Self::Odt => &["odt", "ott"],
            Self::Epub => &["epub"],
            Self::Rtf => &["rtf"],
            Self::Mail => &["eml"],
        }
    }

    /// The kind that a media type without parameters names, with the synonyms that are in use.
    #[must_use]
    pub fn of_essence(essence: &str) -> Option<Self> {
        let synonym = match essence.to_ascii_lowercase().as_str() {
            "application/xhtml+xml" => Some(Self::Html),
            "text/rtf" => Some(Self::Rtf),
            "application/x-pdf" => Some(Self::Pdf),
            "text/tab-separated-values" => Some(Self::Csv),
            "text/x-markdown" => Some(Self::Markdown),
            _ => None,
        };
        synonym.or_else(|| Self::ALL.into_iter().find(|kind| essence.eq_ignore_ascii_case(kind.media_type())))
    }

    /// The kind that the extension of a file name says.
    #[must_use]
    pub fn of_file_name(name: &str) -> Option<Self> {
        let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
        Self::ALL.into_iter().find(|kind| kind.extensions().contains(&extension.as_str()))
    }

    /// True if the text is the document itself, so that no parser is needed.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Plain | Self::Markdown)
    }

    /// The name of a part of such a document, as in `page 3`. Empty where it has no parts.
    #[must_use]
    pub fn part_name(self) -> &'static str {
        match self {
            Self::Pdf => "page",
            Self::Pptx => "slide",
            Self::Xlsx => "sheet",
            Self::Epub => "chapter",
            _ => "",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(essence: &str) -> Result<Self, String> {
        Self::of_essence(essence).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.into_iter().map(Self::media_type).collect();
            format!("not a supported media type: use one of {}", all.join(", "))
        })
    }
}

/// Something that is recognized and has no text for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "documents", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Foreign {
    /// A picture.
    Picture,
    /// Sound or film.
    Recording,
    /// An archive of files.
    Archive,
    /// An office document of before 2007.
    OldOffice,
    /// An `OpenDocument` that is no text.
    OpenDocument,
    /// `PostScript`.
    PostScript,
    /// A program or a database.
    Program,
}

impl Foreign {
    /// As it stands in a message.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Picture => "a picture",
            Self::Recording => "sound or film",
            Self::Archive => "an archive",
            Self::OldOffice => "an office document of an old format",
            Self::OpenDocument => "an OpenDocument that is no text",
            Self::PostScript => "PostScript",
            Self::Program => "a program or a database",
        }
    }

    /// Advice for its sender.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Picture => "run OCR and send the text",
            Self::Recording => "send a transcript",
            Self::Archive => "unpack it and send the documents in it",
            Self::OldOffice => "save it as DOCX, PPTX or PDF",
            Self::OpenDocument => "save it as ODT, PPTX or PDF",
            Self::PostScript => "convert it to PDF",
            Self::Program => "send a document",
        }
    }
}
