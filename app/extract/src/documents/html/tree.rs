//! The tree of a page, as browsers make it of whatever mark-up.

use html5ever::tendril::TendrilSink as _;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// A page.
pub struct Tree {
    nodes: Vec<Node>,
}

struct Node {
    data: Data,
    children: Vec<usize>,
}

enum Data {
    Element { name: String, attributes: Vec<(String, String)> },
    Text(String),
    Root,
}

/// A node of a page.
#[derive(Clone, Copy)]
pub struct NodeRef<'a> {
    tree: &'a Tree,
    /// Its number in the page.
    pub id: usize,
}

impl Tree {
    /// Reads mark-up; there is none that is no page.
    pub fn of(html: &str) -> Self {
        let dom = html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(html);
        let mut tree = Self { nodes: vec![Node { data: Data::Root, children: Vec::new() }] };
        // Not by recursion: pages nest as deep as they like.
        let mut open: Vec<(usize, Handle)> = vec![(0, dom.document.clone())];
        while let Some((at, handle)) = open.pop() {
            for child in handle.children.borrow().iter() {
                let data = match &child.data {
                    NodeData::Element { name, attrs, .. } => {
                        let attribute =
                            |one: &html5ever::Attribute| (one.name.local.to_string(), one.value.to_string());
                        Data::Element {
                            name: name.local.to_string(),
                            attributes: attrs.borrow().iter().map(attribute).collect(),
                        }
                    }
                    NodeData::Text { contents } => Data::Text(contents.borrow().to_string()),
                    _ => continue,
                };
                let id = tree.nodes.len();
                tree.nodes.push(Node { data, children: Vec::new() });
                if let Some(node) = tree.nodes.get_mut(at) {
                    node.children.push(id);
                }
                open.push((id, child.clone()));
            }
        }
        tree
    }

    /// The whole page.
    pub fn root(&self) -> NodeRef<'_> {
        NodeRef { tree: self, id: 0 }
    }

    /// All elements of the page that `wanted` says.
    pub fn elements<'a>(&'a self, wanted: impl Fn(NodeRef<'a>) -> bool) -> Vec<NodeRef<'a>> {
        let all = (0..self.nodes.len()).map(|id| NodeRef { tree: self, id });
        all.filter(|node| !node.name().is_empty() && wanted(*node)).collect()
    }
}

impl<'a> NodeRef<'a> {
    fn node(self) -> Option<&'a Node> {
        self.tree.nodes.get(self.id)
    }

    /// The name of an element, lower case; empty for others.
    pub fn name(self) -> &'a str {
        match self.node().map(|node| &node.data) {
            Some(Data::Element { name, .. }) => name,
            _ => "",
        }
    }

    /// An attribute of an element.
    pub fn attr(self, wanted: &str) -> Option<&'a str> {
        match self.node().map(|node| &node.data) {
            Some(Data::Element { attributes, .. }) => {
                attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
            }
            _ => None,
        }
    }

    /// The text of a text node.
    pub fn own_text(self) -> Option<&'a str> {
        match self.node().map(|node| &node.data) {
            Some(Data::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The nodes directly in it, in order.
    pub fn children(self) -> impl DoubleEndedIterator<Item = NodeRef<'a>> {
        let children = self.node().map(|node| node.children.as_slice()).unwrap_or_default();
        children.iter().map(move |id| NodeRef { tree: self.tree, id: *id })
    }

    /// All text in it.
    pub fn text(self) -> String {
        let (mut text, mut open) = (String::new(), vec![self]);
        while let Some(node) = open.pop() {
            text.push_str(node.own_text().unwrap_or_default());
            open.extend(node.children().rev());
        }
        text
    }
}
