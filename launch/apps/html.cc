#include "launch/apps/html.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace zhiyin::launch::apps {
namespace {

constexpr const char* kStyle = R"(
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2430; background: #fff; max-width: 1080px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.7em; margin-bottom: .2em; }
h2 { font-size: 1.25em; margin: 2em 0 .5em; border-bottom: 1px solid #d6dbe4; padding-bottom: .2em; }
h3 { font-size: 1.05em; margin: 1.4em 0 .4em; }
table { border-collapse: collapse; margin: .6em 0 1em; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid #e6e9ef; white-space: nowrap; }
th { font-weight: 600; color: #55607a; } th:first-child, td:first-child { text-align: left; padding-left: 0; }
.wide { overflow-x: auto; }
.charts { display: flex; flex-wrap: wrap; gap: 1em 1.5em; } figure { margin: 0; }
.bars td { padding-top: .1em; padding-bottom: .1em; border: 0; } .bars svg { display: block; }
p { max-width: 52em; }
)";

constexpr std::array<const char*, 8> kLineColours = {"#2563c4", "#d0622d", "#2f8f5b", "#8b4bb8",
                                                     "#b8364e", "#4f7f8f", "#9a7b1f", "#666f80"};

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

/// Round numbers over a range, five or so.
std::vector<double> Ticks(double low, double high) {
  const double rough = (high - low) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power < 1.5   ? 1
                               : rough / power < 3.5 ? 2
                               : rough / power < 7.5 ? 5
                                                     : 10);
  std::vector<double> ticks;
  for (double at = std::ceil(low / step - 1e-9) * step; at <= high + 1e-9 * step; at += step)
    ticks.push_back(std::abs(at) < 1e-12 ? 0 : at);
  return ticks;
}

/// Where a chart's points lie.
struct Range {
  double low = 0;
  double high = 1;
};

Range RangeOf(const Chart& chart, bool of_x) {
  if (chart.is_unit_square) return {};
  Range range = {HUGE_VAL, -HUGE_VAL};
  for (const ChartLine& line : chart.lines) {
    for (const auto& [x, y] : line.points) {
      range.low = std::min(range.low, of_x ? x : y);
      range.high = std::max(range.high, of_x ? x : y);
    }
  }
  if (!(range.low <= range.high)) return {};
  if (range.low == range.high) return {range.low - 0.5, range.high + 0.5};
  const double margin = of_x ? 0 : 0.05 * (range.high - range.low);
  return {range.low - margin, range.high + margin};
}

std::string Svg(const Chart& chart) {
  constexpr double kWidth = 500;
  constexpr double kLeft = 62;
  constexpr double kTop = 30;
  constexpr double kPlot = 420;
  constexpr double kHeight = 280;
  const Range xs = RangeOf(chart, true);
  const Range ys = RangeOf(chart, false);
  const auto x_of = [&](double x) { return kLeft + kPlot * (x - xs.low) / (xs.high - xs.low); };
  const auto y_of = [&](double y) {
    return kTop + kHeight * (1 - (y - ys.low) / (ys.high - ys.low));
  };
  const size_t n_lines = chart.lines.size();
  const double height = kTop + kHeight + 48 + 18 * static_cast<double>(n_lines);
  std::string svg;
  char text[512];
  const auto add = [&](const char* format, auto... values) {
    std::snprintf(text, sizeof(text), format, values...);
    svg += text;
  };
  add("<svg width=\"%.0f\" height=\"%.0f\" role=\"img\" font-size=\"12\" font-family=\"system-ui, "
      "sans-serif\" fill=\"#55607a\">",
      kWidth, height);
  svg += "<title>" + Escaped(chart.title) + "</title>";
  add("<text x=\"%.0f\" y=\"16\" font-size=\"13\" font-weight=\"600\" fill=\"#1d2430\">", kLeft);
  svg += Escaped(chart.title) + "</text>";
  for (const double x : Ticks(xs.low, xs.high)) {
    if (chart.has_whole_x && x != std::round(x)) continue;
    add("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.0f\" y2=\"%.0f\" stroke=\"#eceff4\"/>", x_of(x),
        x_of(x), kTop, kTop + kHeight);
    add("<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%s</text>", x_of(x),
        kTop + kHeight + 16, Short(x).c_str());
  }
  for (const double y : Ticks(ys.low, ys.high)) {
    add("<line x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#eceff4\"/>", kLeft,
        kLeft + kPlot, y_of(y), y_of(y));
    add("<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%s</text>", kLeft - 6, y_of(y) + 4,
        Short(y).c_str());
  }
  add("<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" fill=\"none\" "
      "stroke=\"#b9c1d0\"/>",
      kLeft, kTop, kPlot, kHeight);
  add("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">", kLeft + kPlot / 2,
      kTop + kHeight + 34);
  svg += Escaped(chart.x_label) + "</text>";
  add("<text transform=\"translate(14 %.0f) rotate(-90)\" text-anchor=\"middle\">",
      kTop + kHeight / 2);
  svg += Escaped(chart.y_label) + "</text>";
  for (size_t l = 0; l < n_lines; ++l) {
    const ChartLine& line = chart.lines[l];
    const char* const colour =
        line.colour == kGrey ? "#8a93a5"
                             : kLineColours[static_cast<size_t>(line.colour) % kLineColours.size()];
    const char* const dashes = line.is_dashed ? " stroke-dasharray=\"4 4\"" : "";
    svg += "<polyline fill=\"none\" stroke-width=\"1.8\" stroke=\"" + std::string(colour) + "\"" +
           dashes + " points=\"";
    for (const auto& [x, y] : line.points) add("%.1f,%.1f ", x_of(x), y_of(y));
    svg += "\"/>";
    if (line.has_marks) {
      for (const auto& [x, y] : line.points)
        add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", x_of(x), y_of(y), colour);
    }
    const double at = kTop + kHeight + 54 + 18 * static_cast<double>(l);
    add("<line x1=\"%.0f\" x2=\"%.0f\" y1=\"%.0f\" y2=\"%.0f\" stroke-width=\"2\" "
        "stroke=\"%s\"%s/>",
        kLeft, kLeft + 22, at - 4, at - 4, colour, dashes);
    add("<text x=\"%.0f\" y=\"%.0f\">", kLeft + 28, at);
    svg += Escaped(line.name) + "</text>";
  }
  return svg + "</svg>";
}

}  // namespace

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

HtmlPage::HtmlPage(const std::string& title) : title_(title) {
  Heading(title, 1);
}

void HtmlPage::Heading(const std::string& text, int level) {
  const std::string tag = "h" + std::to_string(level);
  body_ += "<" + tag + ">" + Escaped(text) + "</" + tag + ">\n";
}

void HtmlPage::Paragraph(const std::string& text) {
  body_ += "<p>" + Escaped(text) + "</p>\n";
}

void HtmlPage::Add(const HtmlTable& table) {
  body_ += "<div class=\"wide\"><table><tr>";
  for (const std::string& cell : table.head) body_ += "<th>" + Escaped(cell) + "</th>";
  body_ += "</tr>\n";
  for (const std::vector<std::string>& row : table.rows) {
    body_ += "<tr>";
    for (const std::string& cell : row) body_ += "<td>" + Escaped(cell) + "</td>";
    body_ += "</tr>\n";
  }
  body_ += "</table></div>\n";
}

void HtmlPage::Add(const std::vector<Chart>& charts) {
  body_ += "<div class=\"charts\">";
  for (const Chart& chart : charts) body_ += "<figure>" + Svg(chart) + "</figure>\n";
  body_ += "</div>\n";
}

void HtmlPage::Add(const std::string& value_name, const std::vector<Bar>& bars) {
  constexpr double kWidth = 360;
  double low = 0;
  double high = 0;
  for (const Bar& bar : bars) {
    low = std::min(low, bar.value);
    high = std::max(high, bar.value);
  }
  const double scale = high > low ? kWidth / (high - low) : 0;
  body_ +=
      "<table class=\"bars\"><tr><th></th><th>" + Escaped(value_name) + "</th><th></th></tr>\n";
  for (const Bar& bar : bars) {
    char text[256];
    std::snprintf(text, sizeof(text),
                  "<svg width=\"%.0f\" height=\"14\"><rect x=\"%.1f\" y=\"1\" width=\"%.1f\" "
                  "height=\"12\" fill=\"%s\"/></svg>",
                  kWidth, scale * (std::min(bar.value, 0.0) - low),
                  std::max(scale * std::abs(bar.value), 0.5),
                  bar.value < 0 ? kLineColours[1] : kLineColours[0]);
    body_ += "<tr><td>" + Escaped(bar.name) + "</td><td>" + Short(bar.value) + "</td><td>" + text +
             "</td></tr>\n";
  }
  body_ += "</table>\n";
}

std::string HtmlPage::Finish() const {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\">\n<title>" +
         Escaped(title_) + "</title>\n<style>" + kStyle + "</style></head>\n<body>\n" + body_ +
         "</body></html>\n";
}

}  // namespace zhiyin::launch::apps
