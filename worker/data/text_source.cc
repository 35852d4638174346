#include "worker/data/text_source.h"

#include <algorithm>

#include "common/error.h"
#include "worker/data/delimited.h"
#include "worker/data/line_reader.h"
#include "worker/data/row_parser.h"

namespace zhiyin::worker {
namespace {

class TextSource final : public Source {
 public:
  TextSource(const Job& job, const Split& split)
      : header_(job.data().text().header()),
        files_(split.file().begin(), split.file().end()),
        first_row_(split.first_row()),
        n_rows_(split.n_rows()),
        splitter_(WithTab(job.data().text())) {
    // All files are opened now: what is missing is found before the first step, not hours later.
    for (const std::string& file : files_) ByteSource probe(file);
    std::vector<std::string> names(job.data().text().column_name().begin(),
                                   job.data().text().column_name().end());
    LineReader lines({files_[0]});
    LineReader::Line line;
    if (lines.Next(&line)) {
      std::vector<std::string_view> columns;
      if (!splitter_.Split(line.text, &columns)) Fail(lines.Where(), ": a quote is not closed");
      n_columns_ = columns.size();
      if (header_) {
        names.assign(columns.begin(), columns.end());
        header_line_ = line.text;
      }
    }
    if (header_ && names.empty())
      Fail(files_[0], ": is empty, expected a header line with the columns' names");
    if (!names.empty()) n_columns_ = names.size();
    parser_ = std::make_unique<RowParser>(job, names, files_[0] + ":1");
    if (n_columns_ > 0 && parser_->n_needed() > n_columns_) {
      Fail(files_[0], ":1: ", n_columns_, " columns, but the job uses column #", parser_->n_needed() - 1);
    }
  }

  int64_t Scan(const Wanted& wanted, const Sink& sink) override {
    LineReader lines(files_);
    LineReader::Line line;
    std::vector<std::string_view> columns;
    std::vector<BadLine> bad;
    Rows rows = parser_->EmptyRows();
    bool is_wanted = false;
    int64_t to_skip = first_row_;
    int64_t row = 0;
    while ((n_rows_ == 0 || row < n_rows_) && lines.Next(&line)) {
      if (header_ && line.first_of_file) {
        if (line.text != header_line_) Fail(lines.Where(), ": the header differs from that of ", files_[0]);
        continue;
      }
      if (to_skip > 0) {
        --to_skip;
        continue;
      }
      const int64_t block = row / kBlockRows;
      if (row % kBlockRows == 0) {
        if (is_wanted && !sink(block - 1, rows, bad)) return row;
        rows = parser_->EmptyRows();  // the sink may have taken the memory with it
        bad.clear();
        is_wanted = wanted(block);
      }
      if (is_wanted) {
        if (std::optional<std::string> wrong = ParseLine(line, &columns, &rows))
          bad.push_back({row, lines.Where() + ": " + *wrong});
      }
      ++row;
    }
    if (is_wanted && row > 0) sink((row - 1) / kBlockRows, rows, bad);
    return row;
  }

 private:
  /// In text format a tab may be written as the two characters backslash and t.
  static Text WithTab(Text text) {
    if (text.delimiter() == "\\t") text.set_delimiter("\t");
    return text;
  }

  std::optional<std::string> ParseLine(const LineReader::Line& line, std::vector<std::string_view>* columns,
                                       Rows* rows) {
    if (line.too_long) return "longer than " + std::to_string(LineReader::kMaxLineBytes) + " bytes";
    if (!IsText(line.text)) return "holds a NUL byte or invalid UTF-8, expected text";
    if (!splitter_.Split(line.text, columns))
      return "a quote is not closed, or something else than the delimiter follows it";
    if (columns->size() != n_columns_) {
      return std::to_string(columns->size()) + " columns, expected " + std::to_string(n_columns_);
    }
    return parser_->Parse(*columns, rows);
  }

  bool header_;
  std::vector<std::string> files_;
  int64_t first_row_;
  int64_t n_rows_;
  LineSplitter splitter_;
  std::string header_line_;
  size_t n_columns_ = 0;
  std::unique_ptr<RowParser> parser_;
};

}  // namespace

std::unique_ptr<Source> MakeTextSource(const Job& job, const Split& split) {
  return std::make_unique<TextSource>(job, split);
}

}  // namespace zhiyin::worker
