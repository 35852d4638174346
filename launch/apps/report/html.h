// A page that needs nothing but itself: tables and pictures in one HTML file.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace zhiyin::launch::apps {

/// & < > " and ' as HTML wants them.
std::string Escaped(const std::string& text);

/// A table; cells of the first column are names, others numbers.
struct HtmlTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};

struct ChartLine {
  std::string name;
  std::vector<std::pair<double, double>> points;
  bool has_marks = false;
  bool is_dashed = false;
  int colour = 0;  // lines that belong together share it
};
/// The colour of a line that is there for comparison.
inline constexpr int kGrey = -1;
/// Lines in one frame; the ranges of both axes hold all points.
struct Chart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<ChartLine> lines;
  bool is_unit_square = false;  // both axes from 0 to 1
  bool has_whole_x = false;     // only whole numbers are written at the axis
};

/// Bars from zero, to the left for negative values.
struct Bar {
  std::string name;
  double value = 0;
};

class HtmlPage {
 public:
  explicit HtmlPage(const std::string& title);

  void Heading(const std::string& text, int level = 2);
  void Paragraph(const std::string& text);
  void Add(const HtmlTable& table);
  /// Side by side, as many as fit.
  void Add(const std::vector<Chart>& charts);
  void Add(const std::string& value_name, const std::vector<Bar>& bars);
  /// The whole file.
  std::string Finish() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace zhiyin::launch::apps
