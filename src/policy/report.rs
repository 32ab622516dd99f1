//! What is wrong with a policy, shown at its place in the file.
//!
//! Errors stop a policy from loading; lints do not. Both carry a place and render alike: message, file, line, the words
//! underlined, and a help text where there is one.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Whether a rendering carries ANSI colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// ASCII only.
    Plain,
    /// ANSI colours and box-drawing characters.
    Ansi,
}

/// A stretch of bytes in one of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) span: Range<usize>,
}

/// The files of a pack, kept for the lints that only a catalog can tell.
#[derive(Debug)]
pub(super) struct Sources(pub(super) Vec<NamedSource<Arc<str>>>);

impl Sources {
    /// `path:line` of a place.
    fn line(&self, place: &Place) -> String {
        let source = &self.0[place.file];
        format!("{}:{}", source.name(), line_of(source.inner(), place.span.start))
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Something found, before it is known which files it stands in.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    message: String,
    place: Place,
    label: String,
    also: Vec<(Place, String)>,
    help: Option<String>,
}

impl Finding {
    pub(super) fn new(message: impl Into<String>, place: &Place, label: impl Into<String>) -> Finding {
        Finding { message: message.into(), place: place.clone(), label: label.into(), also: Vec::new(), help: None }
    }

    /// Another place that the message speaks of.
    pub(super) fn also(mut self, place: &Place, label: impl Into<String>) -> Finding {
        self.also.push((place.clone(), label.into()));
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = Some(help.into());
        self
    }

    fn position(&self) -> (usize, usize) {
        (self.place.file, self.place.span.start)
    }
}

/// Findings as they are made.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    pub(super) fn extend(&mut self, others: Findings) {
        self.0.extend(others.0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The findings in the order of the files.
    fn sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(Finding::position);
        self.0
    }

    pub(super) fn into_errors(self, sources: &Sources) -> PolicyErrors {
        let problem = |finding| Problem::new(finding, Severity::Error, sources);
        PolicyErrors { problems: self.sorted().into_iter().map(problem).collect() }
    }

    pub(super) fn into_lints(self, sources: &Sources) -> Vec<Lint> {
        let lint = |finding| Lint(Problem::new(finding, Severity::Warning, sources));
        self.sorted().into_iter().map(lint).collect()
    }
}

/// One thing that is wrong, with the file it stands in.
#[derive(Debug, Clone)]
pub struct Problem {
    message: String,
    severity: Severity,
    source: NamedSource<Arc<str>>,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
    line: usize,
}

impl Problem {
    fn new(finding: Finding, severity: Severity, sources: &Sources) -> Problem {
        let Finding { message, place, label, also, mut help } = finding;
        let source = sources.0[place.file].clone();
        let mut labels = vec![LabeledSpan::new_primary_with_span(Some(label), place.span.clone())];
        for (other, words) in also {
            if other.file == place.file {
                labels.push(LabeledSpan::new_with_span(Some(words), other.span));
            } else {
                // A report shows one file; what stands in another is told in words.
                let told = format!("{}: {words}", sources.line(&other));
                help = Some(help.map_or(told.clone(), |help| format!("{told}\n{help}")));
            }
        }
        let line = line_of(source.inner(), place.span.start);
        Problem { message, severity, source, labels, help, line }
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// The file's path as it was given to the loader.
    pub fn path(&self) -> &str {
        self.source.name()
    }

    /// The line in the file, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The problem with its line underlined, ending in a newline.
    pub fn render(&self, colour: Colour) -> String {
        let theme = match colour {
            Colour::Plain => GraphicalTheme::none(),
            Colour::Ansi => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(120);
        let mut out = String::new();
        match handler.render_report(&mut out, self) {
            Ok(()) => out.lines().map(|line| format!("{}\n", line.trim_end())).collect(),
            // Rendering fails only where a span lies outside its file; the message must not be lost for that.
            Err(fmt::Error) => format!("{}:{}: {}\n", self.path(), self.line, self.message),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// Everything that stops a policy from loading.
#[derive(Debug, Clone)]
pub struct PolicyErrors {
    problems: Vec<Problem>,
}

impl PolicyErrors {
    /// The errors in the order of the files.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Every error, one after the other, and how many there are.
    pub fn render(&self, colour: Colour) -> String {
        let mut out: String = self.problems.iter().map(|problem| problem.render(colour) + "\n").collect();
        let count = self.problems.len();
        out.push_str(&format!("{count} error{}\n", if count == 1 { "" } else { "s" }));
        out
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Colour::Plain))
    }
}

impl std::error::Error for PolicyErrors {}

/// Something that loads but is probably not meant.
#[derive(Debug, Clone)]
pub struct Lint(Problem);

impl Lint {
    pub fn problem(&self) -> &Problem {
        &self.0
    }

    pub fn message(&self) -> &str {
        self.0.message()
    }

    /// The lint with its line underlined, ending in a newline.
    pub fn render(&self, colour: Colour) -> String {
        self.0.render(colour)
    }
}
