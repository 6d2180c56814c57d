//! Throughput of every engine by format, as SVG: a panel for each number of threads and batch.

use std::path::Path;

use anyhow::Context as _;
use plotters::prelude::*;

use crate::results::{Cell, Session, engines};

const WIDTH: u32 = 1200;
const PANEL: u32 = 320;
/// Batches up to this are limited by reading weights: bytes a second say more about them.
const READING: usize = 8;
/// Above the highest bar there is room for the legend.
const HEADROOM: f64 = 1.3;
/// One for each engine.
const COLORS: [RGBColor; 6] = [
    RGBColor(0x1f, 0x77, 0xb4),
    RGBColor(0xff, 0x7f, 0x0e),
    RGBColor(0x2c, 0xa0, 0x2c),
    RGBColor(0xd6, 0x27, 0x28),
    RGBColor(0x94, 0x67, 0xbd),
    RGBColor(0x8c, 0x56, 0x4b),
];

/// The bars of a panel.
struct Panel {
    title: String,
    unit: &'static str,
    formats: Vec<String>,
    engines: Vec<String>,
    /// `[engine][format]`, where the engine has the format.
    rates: Vec<Vec<Option<f64>>>,
}

/// Draws all sessions into a file.
pub(crate) fn draw(sessions: &[Session], path: &Path) -> anyhow::Result<()> {
    let panels: Vec<Panel> = sessions.iter().flat_map(panels).collect();
    let root =
        SVGBackend::new(path, (WIDTH, PANEL * panels.len().max(1) as u32)).into_drawing_area();
    let drawn = root.fill(&WHITE).map_err(anyhow::Error::from).and_then(|()| {
        let areas = root.split_evenly((panels.len().max(1), 1));
        panels.iter().zip(&areas).try_for_each(|(panel, area)| panel.draw(area))?;
        Ok(root.present()?)
    });
    drawn.with_context(|| path.display().to_string())
}

fn panels(session: &Session) -> Vec<Panel> {
    let mut batches: Vec<usize> = session.cells.iter().map(|cell| cell.batch).collect();
    batches.sort_unstable();
    batches.dedup();
    let panel = |batch: usize| {
        let cells: Vec<&Cell> = session.cells.iter().filter(|cell| cell.batch == batch).collect();
        let mut formats: Vec<String> = cells.iter().map(|cell| cell.format.clone()).collect();
        // Those of a format follow each other.
        formats.dedup();
        let engines = engines(cells.iter().copied());
        let rate = |engine: &str, format: &String| {
            let of_format = cells.iter().filter(|cell| cell.format == *format);
            mean(&mut of_format.filter_map(|cell| cell.rate(engine)))
        };
        let rates = |engine: &&str| formats.iter().map(|format| rate(engine, format)).collect();
        let rates = engines.iter().map(rates).collect();
        let engines = engines.into_iter().map(str::to_owned).collect();
        let unit = if batch <= READING { "GB/s of weights" } else { "GMAC/s" };
        let title = format!("M = {batch}, {}", session.threads());
        Panel { title, unit, formats, engines, rates }
    };
    batches.into_iter().map(panel).collect()
}

impl Cell {
    fn rate(&self, engine: &str) -> Option<f64> {
        let score = self.engines().find(|(name, _)| *name == engine)?.1;
        let work = match self.batch <= READING {
            true => self.bytes,
            false => self.rows * self.depth * self.batch,
        };
        Some(work as f64 / score.seconds * 1e-9)
    }
}

/// Geometric: shapes count alike, whatever their size.
fn mean(values: &mut dyn Iterator<Item = f64>) -> Option<f64> {
    let logs: Vec<f64> = values.map(f64::ln).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

impl Panel {
    fn draw(
        &self,
        area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    ) -> anyhow::Result<()> {
        let most = self.rates.iter().flatten().flatten().copied().fold(0.0, f64::max);
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(8)
            .x_label_area_size(30)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..self.formats.len() as f64, 0.0..most * HEADROOM)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .max_light_lines(1)
            .x_labels(0)
            .y_desc(self.unit)
            .label_style(("sans-serif", 12))
            .draw()?;
        // Bars of a format stand side by side in four fifths of its place.
        let bar = 0.8 / self.engines.len() as f64;
        for (n, (engine, rates)) in self.engines.iter().zip(&self.rates).enumerate() {
            let color = COLORS[n % COLORS.len()];
            let bars = rates.iter().enumerate().filter_map(|(format, rate)| {
                let left = format as f64 + 0.1 + n as f64 * bar;
                Some(Rectangle::new([(left, 0.0), (left + bar, (*rate)?)], color.filled()))
            });
            chart.draw_series(bars)?.label(engine).legend(move |(x, y)| {
                Rectangle::new([(x, y - 4), (x + 10, y + 4)], color.filled())
            });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .label_font(("sans-serif", 12))
            .draw()?;
        for (n, format) in self.formats.iter().enumerate() {
            let (x, y) = chart.backend_coord(&(n as f64 + 0.1, 0.0));
            let (left, top) = area.get_base_pixel();
            let style = ("sans-serif", 12).into_text_style(area);
            area.draw_text(format, &style, (x - left, y - top + 6))?;
        }
        Ok(())
    }
}
