//! What texts come to that differ in the values of literals only.
//!
//! A text is judged once more with parameters in place of its literals: what is permitted of a parameter is permitted whatever
//! its value, since a client may bind any. Where that comes to the very text that the literals themselves come to, it is
//! kept as a template, and each further text of the shape is sent as the template with its own literals. What depends
//! on a value is not shared: such a literal stays in the key, or the two differ.

use super::judge_text;
use super::plan::{Charge, Judged, Names, Plan, Planned, Reports, Rewritten, Sight, Temporary, Understood};
use super::trace::Trace;
use super::view::{Limits, View};
use crate::sql::{Class, Kind, Place, Shape, on_deep_stack, parameters};
use crate::vocab::{Oid, Positions};
use std::sync::Arc;

/// What each text of a shape comes to.
#[derive(Debug)]
pub(super) struct Template {
    kind: Kind,
    reports: Reports,
    /// Where its literals stand.
    places: Arc<[Place]>,
    plan: Option<Sent>,
    trace: Option<Arc<Trace>>,
}

/// A rewritten statement with places for literals.
#[derive(Debug)]
struct Sent {
    /// With `$1` for the first free literal, and so on.
    text: Box<str>,
    /// Where those stand, in order.
    marks: Box<[Mark]>,
    /// Where the free literals stand in the client's text, and how wide `$1` is there.
    written: Box<[(u32, u32)]>,
    /// [`Rewritten::positions`], of the texts with parameters.
    positions: Box<[(u32, u32)]>,
    columns: Option<Arc<[Arc<str>]>>,
    sight: Sight,
    looks_up: bool,
    charge: Option<Arc<Charge>>,
    names: Names,
    temporary: Temporary,
}

/// A place for a literal in what is sent.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// The byte where it begins, and its one-based character.
    byte: usize,
    position: u32,
    width: u32,
    /// Which of the free literals.
    literal: usize,
}

/// `pg_type.oid` of what parameters in the place of literals are declared as; 0: as what stands around them asks for.
fn type_of(class: Class) -> Oid {
    match class {
        Class::Integer => 23,
        Class::Bigint => 20,
        Class::Text => 0,
    }
}

impl Template {
    /// The template that a judged text is an instance of, if its shape has one.
    pub(super) fn of(
        view: &View,
        text: &str,
        (shape, places): (&Shape, &Arc<[Place]>),
        judged: &Judged,
        limits: &Limits,
    ) -> Option<Template> {
        let Judged::One(known) = judged else { return None };
        match &known.plan {
            Plan::Forward => {}
            // Of two numbers that are told with noise only their values say whether they are the same.
            Plan::Rewrite(rewritten) if rewritten.charge.is_some() => return None,
            Plan::Rewrite(_) => {}
            Plan::Refuse(_) => return None,
        }
        let (mut with_parameters, mut types, mut written) = (String::with_capacity(text.len()), Vec::new(), Vec::new());
        let mut copied = 0;
        for (literal, place) in shape.literals.iter().zip(places.iter()) {
            let Some(value) = place.value(text, literal) else { continue };
            with_parameters.push_str(&text[copied..literal.span.end - value.len()]);
            types.push(type_of(literal.class));
            let parameter = format!("${}", types.len());
            written.push((with_parameters.len(), parameter.len() as u32));
            with_parameters.push_str(&parameter);
            copied = literal.span.end;
        }
        with_parameters.push_str(&text[copied..]);
        let general = judge_text(&view.with_parameters(&types), &with_parameters, limits);
        let Judged::One(general) = general else { return None };
        let Planned { statement: Understood { kind, span: _, comment }, plan, reports, shadow, trace: _ } = general;
        if !matches!(kind, Kind::Read | Kind::Write) || comment.is_some() || shadow.is_some() {
            return None;
        }
        let at = Positions::new(&with_parameters);
        let written = written.into_iter().map(|(byte, width)| (at.of(byte), width)).collect();
        let plan = match plan {
            Plan::Forward => None,
            Plan::Refuse(_) => return None,
            Plan::Rewrite(rewritten) => Some(Sent::of(rewritten, written, types.len())?),
        };
        // Without its literals each text of the shape is the same.
        let trace = known.trace.clone();
        let template = Template { kind, reports, places: Arc::clone(places), plan, trace };
        let same = same(&template.fill(text, shape), known);
        same.then_some(template)
    }

    /// What a text of the shape comes to.
    pub(super) fn fill(&self, text: &str, shape: &Shape) -> Planned {
        let literals = shape.literals.iter().zip(self.places.iter());
        let values: Vec<&str> = literals.filter_map(|(literal, place)| place.value(text, literal)).collect();
        let plan = match &self.plan {
            None => Plan::Forward,
            Some(sent) => Plan::Rewrite(sent.fill(&values, self.reports)),
        };
        let statement = Understood { kind: self.kind.clone(), span: (0, text.len() as u32), comment: None };
        Planned { statement, plan, reports: self.reports, shadow: None, trace: self.trace.clone() }
    }

    /// What it holds, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let sent = self.plan.as_ref().map_or(0, |sent| {
            sent.text.len() + 32 * sent.marks.len() + 8 * (sent.written.len() + sent.positions.len())
        });
        256 + self.places.len() + sent + self.trace.as_ref().map_or(0, |trace| trace.bytes())
    }
}

impl Sent {
    fn of(rewritten: Rewritten, written: Box<[(u32, u32)]>, literals: usize) -> Option<Sent> {
        let Rewritten { text, positions, columns, sight, reports: _, looks_up, charge, names, temporary } = rewritten;
        let at = Positions::new(&text);
        let mark = |(byte, number): (usize, i32)| {
            let literal = usize::try_from(number).ok()?.checked_sub(1).filter(|literal| *literal < literals)?;
            let parameter = format!("${number}");
            let width = parameter.len() as u32;
            text[byte..].starts_with(&parameter).then(|| Mark { byte, position: at.of(byte), width, literal })
        };
        let marks = on_deep_stack(|| parameters(&text))?.into_iter().map(mark).collect::<Option<Box<[Mark]>>>()?;
        let positions = positions.iter().copied().collect();
        Some(Sent {
            text: Box::from(&*text),
            marks,
            written,
            positions,
            columns,
            sight,
            looks_up,
            charge,
            names,
            temporary,
        })
    }

    fn fill(&self, values: &[&str], reports: Reports) -> Rewritten {
        let more = self.marks.iter().map(|mark| values[mark.literal].len()).sum::<usize>();
        let mut text = String::with_capacity(self.text.len() + more);
        let mut copied = 0;
        for mark in &self.marks {
            text.push_str(&self.text[copied..mark.byte]);
            text.push_str(values[mark.literal]);
            copied = mark.byte + mark.width as usize;
        }
        text.push_str(&self.text[copied..]);
        Rewritten {
            text: text.into(),
            positions: self.moved(values),
            columns: self.columns.clone(),
            sight: self.sight,
            reports,
            looks_up: self.looks_up,
            charge: self.charge.clone(),
            names: self.names,
            temporary: self.temporary,
        }
    }

    /// The positions in both texts, with literals in place of parameters.
    fn moved(&self, values: &[&str]) -> Arc<[(u32, u32)]> {
        let widths: Vec<u32> = values.iter().map(|value| value.chars().count() as u32).collect();
        let sent = Moves::new(self.marks.iter().map(|mark| (mark.position, mark.width, widths[mark.literal])));
        let original =
            Moves::new(self.written.iter().zip(&widths).map(|(&(position, width), own)| (position, width, *own)));
        self.positions.iter().map(|&(new, old)| (sent.of(new), original.of(old))).collect()
    }
}

/// By how much positions move, behind which.
struct Moves {
    from: Vec<u32>,
    by: Vec<i64>,
}

impl Moves {
    /// Of what stands at these positions, in order, so wide, and becomes as wide.
    fn new(parts: impl Iterator<Item = (u32, u32, u32)>) -> Moves {
        let mut moves = Moves { from: Vec::new(), by: vec![0] };
        let mut sum = 0;
        for (position, width, own) in parts {
            sum += i64::from(own) - i64::from(width);
            moves.from.push(position);
            moves.by.push(sum);
        }
        moves
    }

    fn of(&self, position: u32) -> u32 {
        let before = self.from.partition_point(|from| *from < position);
        u32::try_from(i64::from(position) + self.by[before]).unwrap_or(position)
    }
}

/// Whether two plans of one text are alike in everything that is done with them.
fn same(one: &Planned, other: &Planned) -> bool {
    let Planned { statement, plan, reports, shadow, trace: _ } = one;
    let Understood { kind, span, comment } = &other.statement;
    let alike = statement.kind == *kind && statement.span == *span && statement.comment == *comment;
    let plans = match (plan, &other.plan) {
        (Plan::Forward, Plan::Forward) => true,
        (Plan::Rewrite(one), Plan::Rewrite(other)) => {
            let Rewritten { text, positions, columns, sight, reports, looks_up, charge, names, temporary } = one;
            (text, positions, columns, sight) == (&other.text, &other.positions, &other.columns, &other.sight)
                && (reports, looks_up, charge, names) == (&other.reports, &other.looks_up, &other.charge, &other.names)
                && *temporary == other.temporary
        }
        (Plan::Forward | Plan::Rewrite(_) | Plan::Refuse(_), _) => false,
    };
    alike && plans && *reports == other.reports && shadow.is_none() && other.shadow.is_none()
}
