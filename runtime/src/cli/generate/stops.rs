//! Strings that end a text before they are shown.

/// Holds text back as long as it may be the beginning of a stop string.
pub(crate) struct Stops<'a> {
    stops: &'a [String],
    held: String,
}

/// What can be shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// And more may come.
    Text(String),
    /// And that is the end.
    Last(String),
}

impl<'a> Stops<'a> {
    /// Nothing held back yet. None of `stops` is empty.
    pub(crate) fn new(stops: &'a [String]) -> Self {
        Self { stops, held: String::new() }
    }

    /// More text has come.
    pub(crate) fn push(&mut self, text: &str) -> Passed {
        self.held.push_str(text);
        if let Some(end) = self.stops.iter().filter_map(|stop| self.held.find(stop)).min() {
            self.held.truncate(end);
            return Passed::Last(std::mem::take(&mut self.held));
        }
        let begins =
            |from: &usize| self.stops.iter().any(|stop| stop.starts_with(&self.held[*from..]));
        // The longest end of the text that a stop string begins with.
        let starts = self.held.char_indices().map(|(at, _)| at);
        let keep = starts.into_iter().find(begins).unwrap_or(self.held.len());
        let kept = self.held.split_off(keep);
        Passed::Text(std::mem::replace(&mut self.held, kept))
    }

    /// No more text comes: what was held back in vain.
    pub(crate) fn finish(self) -> String {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(stops: &[&str], pieces: &[&str]) -> (Vec<String>, bool) {
        let owned: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut stops = Stops::new(&owned);
        let mut all = vec![];
        for piece in pieces {
            match stops.push(piece) {
                Passed::Text(text) => all.push(text),
                Passed::Last(text) => {
                    all.push(text);
                    return (all, true);
                }
            }
        }
        all.push(stops.finish());
        (all, false)
    }

    #[test]
    fn text_goes_through_at_once_if_nothing_can_match() {
        assert_eq!(shown(&[], &["a", "b"]), (vec!["a".into(), "b".into(), String::new()], false));
        let (texts, ended) = shown(&["END"], &["abc", "d"]);
        assert_eq!((texts[0].as_str(), texts[1].as_str(), ended), ("abc", "d", false));
    }

    #[test]
    fn what_may_be_a_stop_is_held_back_until_it_is_clear() {
        let (texts, ended) = shown(&["\n\nUser:", "é!"], &["one\n", "\n", "Us", "é", "er"]);
        assert_eq!(texts, ["one", "", "", "\n\nUs", "éer", ""]);
        assert!(!ended);
        let (texts, _) = shown(&["abc"], &["ab", "ab"]);
        assert_eq!(texts, ["", "ab", "ab"]);
    }

    #[test]
    fn the_first_stop_ends_the_text_wherever_pieces_are_cut() {
        let (texts, ended) = shown(&["stop", "top"], &["do st", "op, and stop"]);
        assert_eq!(texts.concat(), "do ");
        assert!(ended);
    }
}
