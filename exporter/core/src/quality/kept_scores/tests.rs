use super::*;
use crate::quality::Score;

/// Counts a score in a pane as a window does.
fn add(kept: &mut KeptScores, panes: &mut BTreeMap<i64, QualityPane>, at: i64, probability: f64) {
    let pane = panes.entry(at).or_insert_with(QualityPane::empty);
    pane.labelled += 1;
    if kept.keeps(at) && pane.scores.add(Score::new(probability).unwrap(), true) {
        kept.grow(panes, 5);
    }
}

fn cells(panes: &BTreeMap<i64, QualityPane>) -> Vec<usize> {
    panes.values().map(|pane| pane.scores.cells().len()).collect()
}

#[test]
fn the_oldest_panes_give_their_scores_up_first_and_for_good() {
    let (mut kept, mut panes) = (KeptScores::default(), BTreeMap::new());
    for at in 0..3 {
        for probability in [0.1, 0.5, 0.9, 0.9] {
            add(&mut kept, &mut panes, at, probability);
        }
    }
    assert_eq!(cells(&panes), [0, 0, 3]);
    assert!(!kept.cover(&panes, 1..=2) && kept.cover(&panes, 2..=2));
    add(&mut kept, &mut panes, 0, 0.1);
    assert_eq!(cells(&panes), [0, 0, 3], "what was given up does not come back");
}

#[test]
fn a_pane_that_goes_makes_room() {
    let (mut kept, mut panes) = (KeptScores::default(), BTreeMap::new());
    for (at, probability) in [(0, 0.1), (0, 0.5), (0, 0.9), (1, 0.1), (1, 0.5)] {
        add(&mut kept, &mut panes, at, probability);
    }
    kept.shrink(&panes.remove(&0).unwrap());
    for (at, probability) in [(1, 0.9), (2, 0.1), (2, 0.5)] {
        add(&mut kept, &mut panes, at, probability);
    }
    assert_eq!(cells(&panes), [3, 2]);
    assert!(kept.cover(&panes, 0..=2));
}

#[test]
fn panes_without_labels_lack_no_scores() {
    let (mut kept, mut panes) = (KeptScores::default(), BTreeMap::new());
    for step in 1..=6 {
        add(&mut kept, &mut panes, 5, f64::from(step) / 10.0);
    }
    panes.insert(4, QualityPane::empty());
    assert!(kept.cover(&panes, 0..=4) && !kept.cover(&panes, 0..=5));
}
