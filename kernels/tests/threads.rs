//! Threads: work is done once, by whoever comes, and is over when the call returns.

use kernels::Pool;
use kernels::threads::{Out, PATIENCE, Team};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[test]
fn every_column_is_written_once() {
    for threads in [1, 2, 3] {
        let pool = Pool::new(threads).unwrap();
        for (rows, width, grain) in [(1, 1, 4), (3, 17, 4), (2, 64, 64), (5, 100, 7)] {
            let mut out = vec![0.0; rows * width];
            let mut outs = [Out { data: &mut out, width, grain, least: 2 }];
            pool.run_columns(0, &mut outs, |_, columns, _| {
                for row in 0..rows {
                    for column in columns.range() {
                        columns.put(row, column, &[(row * width + column) as f32 + 1.0]);
                    }
                }
            });
            assert!(out.iter().enumerate().all(|(n, v)| *v == n as f32 + 1.0));
        }
    }
}

#[test]
#[should_panic(expected = "columns of another job")]
fn a_job_cannot_write_columns_of_another() {
    let pool = Pool::new(1).unwrap();
    let mut outs = [Out { data: &mut [0.0; 8], width: 8, grain: 4, least: 1 }];
    pool.run_columns(0, &mut outs, |_, columns, _| {
        columns.put(0, columns.range().end, &[1.0]);
    });
}

#[test]
fn work_is_over_when_run_returns() {
    for workers in [0, 1, 3, 7] {
        let team = Team::new(workers).unwrap();
        for round in 0..2000 {
            let (running, runs) = (AtomicUsize::new(0), AtomicUsize::new(0));
            team.run(workers, &|| {
                running.fetch_add(1, Ordering::SeqCst);
                runs.fetch_add(1, Ordering::SeqCst);
                for _ in 0..round % 50 {
                    std::hint::spin_loop();
                }
                running.fetch_sub(1, Ordering::SeqCst);
            });
            assert_eq!(running.into_inner(), 0);
            assert!((1..=workers + 1).contains(&runs.into_inner()));
        }
    }
}

#[test]
fn workers_come_again_after_they_slept() {
    let team = Team::new(1).unwrap();
    for _ in 0..5 {
        // The caller's own run lasts until the worker has begun: it must come.
        let begun = AtomicUsize::new(0);
        team.run(1, &|| {
            begun.fetch_add(1, Ordering::SeqCst);
            while begun.load(Ordering::SeqCst) < 2 {
                std::thread::yield_now();
            }
        });
        std::thread::sleep(10 * PATIENCE);
    }
}

#[test]
fn a_panic_reaches_the_caller_and_the_team_goes_on() {
    let team = Team::new(2).unwrap();
    for _ in 0..20 {
        let first = AtomicBool::new(true);
        let result = catch_unwind(AssertUnwindSafe(|| {
            team.run(2, &|| assert!(!first.swap(false, Ordering::SeqCst), "on purpose"));
        }));
        assert!(result.is_err());
        let runs = AtomicUsize::new(0);
        team.run(2, &|| {
            runs.fetch_add(1, Ordering::SeqCst);
        });
        assert!(runs.into_inner() >= 1);
    }
}

#[test]
fn callers_at_the_same_time_and_calls_within_calls_all_work() {
    let team = Team::new(2).unwrap();
    let runs = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..200 {
                    team.run(2, &|| {
                        team.run(2, &|| {
                            runs.fetch_add(1, Ordering::SeqCst);
                        });
                    });
                }
            });
        }
    });
    assert!(runs.into_inner() >= 600);
}
