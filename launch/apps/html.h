// A self-contained HTML page with tables and charts.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace zhiyin::launch::apps {

/// Returns the text with & < > " and ' escaped for HTML.
std::string Escaped(const std::string& text);

/// A table. The cells of the first column are names, the others numbers.
struct HtmlTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};

struct ChartLine {
  std::string name;
  std::vector<std::pair<double, double>> points;
  bool has_marks = false;
  bool is_dashed = false;
  int colour = 0;  // number of the colour; kGrey for a line of comparison
};
/// The colour of lines of comparison.
inline constexpr int kGrey = -1;
/// A chart of lines. The axes cover all points.
struct Chart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<ChartLine> lines;
  bool is_unit_square = false;  // both axes from 0 to 1
  bool has_whole_x = false;     // the labels of the x axis are integers
};

/// A horizontal bar from zero, to the left for negative values.
struct Bar {
  std::string name;
  double value = 0;
};

/// Builds a page from top to bottom. Used by one thread.
class HtmlPage {
 public:
  explicit HtmlPage(const std::string& title);

  void Heading(const std::string& text, int level = 2);
  void Paragraph(const std::string& text);
  void Add(const HtmlTable& table);
  /// Adds charts side by side, as many in a line as fit.
  void Add(const std::vector<Chart>& charts);
  void Add(const std::string& value_name, const std::vector<Bar>& bars);
  /// Returns the whole file.
  std::string Finish() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace zhiyin::launch::apps
