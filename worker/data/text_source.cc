#include "worker/data/text_source.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/utf8.h"
#include "worker/data/delimited.h"
#include "worker/data/line_reader.h"
#include "worker/data/row_parser.h"
#include "worker/data/schema.h"

namespace zhiyin::worker {
namespace {

/// What is wrong with a line before it is cut; empty when nothing is.
std::string CheckText(const Line& line) {
  if (line.too_long)
    return "longer than " + std::to_string(LineReader::kMaxBytes) + " bytes, expected a shorter line";
  if (const size_t at = line.text.find('\0'); at != std::string_view::npos) {
    return "a NUL at byte " + std::to_string(at) + ", expected text";
  }
  if (const size_t at = FindInvalidUtf8(line.text); at != std::string_view::npos) {
    return "byte " + std::to_string(at) + " is not UTF-8, expected UTF-8 text";
  }
  return "";
}

std::string Where(const LineReader& reader, const Line& line) {
  return reader.path() + ":" + std::to_string(line.number);
}

/// The values of a file's first line; nothing when it has no lines.
std::optional<Columns> ReadFirstLine(LineReader* reader, LineSplitter* splitter) {
  Line line;
  if (!reader->Next(&line)) return {};
  std::string wrong = CheckText(line);
  std::vector<std::string_view> values;
  if (wrong.empty()) wrong = splitter->Split(line.text, &values);
  if (!wrong.empty()) Fail(Where(*reader, line), ": ", wrong);
  return Columns{static_cast<int>(values.size()), {values.begin(), values.end()}, Where(*reader, line)};
}

void CheckSameHeader(const Columns& first, const Columns& other) {
  if (other.n != first.n) {
    Fail(other.where, ": a header of ", other.n, " columns, expected ", first.n, " as in ", first.where);
  }
  for (size_t c = 0; c < first.names.size(); ++c) {
    if (other.names[c] == first.names[c]) continue;
    Fail(other.where, ": column #", c, " is \"", other.names[c], "\", expected \"", first.names[c],
         "\" as in ", first.where);
  }
}

class TextSource : public Source {
 public:
  TextSource(const Job& job, const Split& split);

  int64_t Scan(const Wanted& wanted, const Sink& sink) override;

 private:
  struct File {
    std::string path;
    FileStamp stamp;
  };
  /// Where a scan is.
  struct Position {
    size_t next_file = 0;
    std::optional<LineReader> reader;
    int64_t row = 0;
  };

  Columns FindColumns(const Text& text);
  /// Opens the next file, at its first row; false when there is none.
  bool OpenNext(Position* at) const;
  /// Passes over n rows; returns how many there were.
  int64_t Skip(Position* at, int64_t n) const;
  /// Reads n rows; returns how many there were.
  int64_t Read(Position* at, int64_t n, Rows* rows, std::vector<BadLine>* bad);
  std::string Parse(const Line& line, Rows* rows);

  std::vector<File> files_;
  bool header_;
  int64_t first_row_;
  int64_t n_rows_;
  LineSplitter splitter_;
  std::optional<RowParser> parser_;
  std::vector<std::string_view> values_;
};

TextSource::TextSource(const Job& job, const Split& split)
    : header_(job.data().text().header()),
      first_row_(split.first_row()),
      n_rows_(split.n_rows() > 0 ? split.n_rows() : std::numeric_limits<int64_t>::max()),
      splitter_(Dialect::Of(job.data().text())) {
  if (split.file().empty()) Fail("data: no file in a split, expected at least one");
  for (const std::string& path : split.file()) files_.push_back({path, {}});
  parser_.emplace(job, Schema::Of(job, FindColumns(job.data().text())));
}

/// Opens every file, so that a missing one is known before the first step.
Columns TextSource::FindColumns(const Text& text) {
  std::optional<Columns> first;
  for (File& file : files_) {
    LineReader reader(file.path);
    file.stamp = reader.stamp();
    if (!header_ && first.has_value()) continue;
    std::optional<Columns> here = ReadFirstLine(&reader, &splitter_);
    if (!here.has_value()) {
      if (header_) Fail(file.path, ": is empty, expected a header");
      continue;
    }
    if (first.has_value()) CheckSameHeader(*first, *here);
    if (!first.has_value()) first = std::move(here);
  }
  if (!first.has_value()) Fail(files_[0].path, ": is empty, expected rows");
  if (!header_) {
    first->names.assign(text.column_name().begin(), text.column_name().end());
    if (!first->names.empty()) first->n = static_cast<int>(first->names.size());
  }
  return *first;
}

int64_t TextSource::Scan(const Wanted& wanted, const Sink& sink) {
  Position at;
  if (Skip(&at, first_row_) < first_row_) return 0;
  Rows rows = parser_->NewRows();
  std::vector<BadLine> bad;
  while (at.row < n_rows_) {
    const int64_t block = at.row / kBlockRows;
    const int64_t n_block = std::min(kBlockRows, n_rows_ - at.row);
    int64_t n = 0;
    bool go_on = true;
    if (wanted(block)) {
      rows.Clear();
      bad.clear();
      n = Read(&at, n_block, &rows, &bad);
      if (n > 0) go_on = sink(block, rows, bad);
    } else {
      n = Skip(&at, n_block);
    }
    at.row += n;
    if (n < n_block || !go_on) break;
  }
  return at.row;
}

bool TextSource::OpenNext(Position* at) const {
  if (at->next_file == files_.size()) return false;
  const File& file = files_[at->next_file++];
  at->reader.emplace(file.path);
  if (at->reader->stamp() != file.stamp) {
    Fail(file.path, ": changed since the job began: ", file.stamp.n_bytes, " bytes then, ",
         at->reader->stamp().n_bytes, " now, expected a file that stays as it is");
  }
  if (header_) at->reader->Skip(1);
  return true;
}

int64_t TextSource::Skip(Position* at, int64_t n) const {
  int64_t n_done = 0;
  while (n_done < n) {
    if (at->reader.has_value()) n_done += at->reader->Skip(n - n_done);
    if (n_done < n && !OpenNext(at)) break;
  }
  return n_done;
}

int64_t TextSource::Read(Position* at, int64_t n, Rows* rows, std::vector<BadLine>* bad) {
  int64_t n_done = 0;
  Line line;
  while (n_done < n) {
    if (!at->reader.has_value() || !at->reader->Next(&line)) {
      if (!OpenNext(at)) break;
      continue;
    }
    if (const std::string wrong = Parse(line, rows); !wrong.empty()) {
      bad->push_back({at->row + n_done, Where(*at->reader, line) + ": " + wrong});
    }
    ++n_done;
  }
  return n_done;
}

std::string TextSource::Parse(const Line& line, Rows* rows) {
  if (std::string wrong = CheckText(line); !wrong.empty()) return wrong;
  if (std::string wrong = splitter_.Split(line.text, &values_); !wrong.empty()) return wrong;
  return parser_->Parse(values_, rows);
}

}  // namespace

std::unique_ptr<Source> MakeTextSource(const Job& job, const Split& split) {
  return std::make_unique<TextSource>(job, split);
}

}  // namespace zhiyin::worker
