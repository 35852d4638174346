#include "worker/data/text_source.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/random.h"
#include "common/utf8.h"
#include "worker/data/behaviour.h"
#include "worker/data/behaviour_columns.h"
#include "worker/data/format/delimited.h"
#include "worker/data/joins.h"
#include "worker/data/line_reader.h"
#include "worker/data/row_parser.h"
#include "worker/data/schema.h"

namespace zhiyin::worker::data {
namespace {

/// A stream of random numbers that no row's own has.
constexpr uint64_t kNegatives = 0x6e6567;

/// What is wrong with a line before it is cut; empty when nothing is.
std::string CheckText(const Line& line) {
  if (line.too_long)
    return "longer than " + std::to_string(LineReader::kMaxBytes) +
           " bytes, expected a shorter line";
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
  return Columns{
      static_cast<int>(values.size()), {values.begin(), values.end()}, Where(*reader, line)};
}

void CheckSameHeader(const Columns& first, const Columns& other) {
  if (other.n != first.n) {
    Fail(other.where, ": a header of ", other.n, " columns, expected ", first.n, " as in ",
         first.where);
  }
  for (size_t c = 0; c < first.names.size(); ++c) {
    if (other.names[c] == first.names[c]) continue;
    Fail(other.where, ": column #", c, " is \"", other.names[c], "\", expected \"", first.names[c],
         "\" as in ", first.where);
  }
}

class TextSource : public Source {
 public:
  TextSource(const Job& job, const Split& split, LabelDomains labels, RowParser::Observer observer);

  int64_t Read(int64_t block, Rows* rows, std::vector<BadLine>* bad) override;

 private:
  struct File {
    std::string path;
    FileStamp stamp;
    /// Rows of the files before it; -1 while not known.
    int64_t n_rows_before = -1;
  };
  /// Where a block begins that can be jumped to.
  struct Mark {
    size_t file = 0;
    LineReader::Place place;
  };

  Columns FindColumns(const Text& text, LabelUse labels);
  /// Rows of block b, if the files have as many.
  int64_t RowsOfBlock(int64_t block) const {
    return std::clamp<int64_t>(n_rows_ - block * kBlockRows, 0, kBlockRows);
  }
  /// Moves to the start of a block; false when the split ends before.
  bool GoTo(int64_t block);
  void MarkBlock(int64_t block);
  /// To the start of a file, known by its n_rows_before.
  void Restart(size_t file);
  /// Opens the next file, at its first row; false when there is none.
  bool OpenNext();
  /// Passes over n rows; returns how many there were.
  int64_t Skip(int64_t n);
  std::string Parse(const Line& line, Rows* rows);
  /// Whether row_ is of this split, by data.behaviour.
  bool IsOfThisSplit() const;
  /// Behind the values of the files those of data.join and data.behaviour.
  void AddColumns();
  /// Rows with the values of row_ but other items. REQUIRES: row_ is a learned event and was the
  /// last that was parsed.
  void AddNegatives(Rows* rows);

  std::vector<File> files_;
  bool header_;
  int64_t first_row_;
  int64_t n_rows_;
  LineSplitter splitter_;
  std::optional<RowParser> parser_;
  std::vector<std::string_view> values_;

  size_t n_own_columns_ = 0;  // of the files
  size_t n_columns_ = 0;      // with those of joins and behaviour
  Joins::Plan joins_;

  // Of data.behaviour.
  std::shared_ptr<const Behaviour> behaviour_;
  zhiyin::Behaviour config_;
  std::vector<bool> is_negative_;  // [tasks], whose label is 0 in a negative row
  bool is_of_behaviour_ = false;   // these files are those that it was read from
  bool is_test_ = false;
  size_t user_column_ = 0;
  size_t item_column_ = 0;
  std::string history_;
  std::string log_share_;

  // Where reading is.
  size_t next_file_ = 0;
  std::optional<LineReader> reader_;        // of file next_file_ - 1
  int64_t row_ = 0;                         // of all files together
  std::vector<std::optional<Mark>> marks_;  // [block], of those that were passed
};

TextSource::TextSource(const Job& job, const Split& split, LabelDomains labels,
                       RowParser::Observer observer)
    : header_(job.data().text().header()),
      first_row_(split.first_row()),
      n_rows_(split.n_rows() > 0 ? split.n_rows() : std::numeric_limits<int64_t>::max()),
      splitter_(Dialect::Of(job.data().text())) {
  if (split.file().empty()) Fail("data: no file in a split, expected at least one");
  for (const std::string& path : split.file()) files_.push_back({path, {}});
  files_[0].n_rows_before = 0;
  Columns columns = FindColumns(job.data().text(), UseOf(labels));
  n_own_columns_ = static_cast<size_t>(columns.n);
  if (job.data().has_behaviour()) {
    behaviour_ = Behaviour::Read(job);
    config_ = job.data().behaviour();
    for (const Task& task : job.task()) {
      const auto& tasks = config_.negatives().task();
      is_negative_.push_back(std::find(tasks.begin(), tasks.end(), task.name()) != tasks.end());
    }
    const auto& learned = job.data().train().file();
    is_of_behaviour_ =
        std::equal(learned.begin(), learned.end(), split.file().begin(), split.file().end());
    is_test_ = &split == &job.data().test();
    const auto position = [&](const std::string& name) {
      const auto at = std::find(columns.names.begin(), columns.names.end(), name);
      if (at == columns.names.end())
        Fail(columns.where, ": no column \"", name, "\" (data.behaviour)");
      return static_cast<size_t>(at - columns.names.begin());
    };
    user_column_ = position(config_.user());
    item_column_ = position(config_.item());
  }
  if (job.data().join_size() > 0)
    joins_ = Joins::Plan(behaviour_ ? behaviour_->joins() : Joins::Read(job.data()), columns.where,
                         &columns.names);
  if (behaviour_)
    columns.names.insert(columns.names.end(), kBehaviourColumns.begin(), kBehaviourColumns.end());
  if (!columns.names.empty()) columns.n = static_cast<int>(columns.names.size());
  n_columns_ = static_cast<size_t>(columns.n);
  const Schema schema = Schema::Of(job, columns, UseOf(labels));
  parser_.emplace(job, schema, std::move(labels), std::move(observer));
}

/// Opens every file, so that a missing one is known before the first step.
Columns TextSource::FindColumns(const Text& text, LabelUse labels) {
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
    const int n_here = first->n;
    first->names.assign(text.column_name().begin(), text.column_name().end());
    // Files without labels: of the named columns, the last ones may be missing.
    if (labels == LabelUse::kIgnored && n_here < text.column_name_size())
      first->names.resize(static_cast<size_t>(n_here));
    if (!first->names.empty()) first->n = static_cast<int>(first->names.size());
  }
  return *first;
}

int64_t TextSource::Read(int64_t block, Rows* rows, std::vector<BadLine>* bad) {
  *rows = parser_->NewRows();
  bad->clear();
  if (!GoTo(block)) return 0;
  const int64_t n_block = RowsOfBlock(block);
  int64_t n_done = 0;
  Line line;
  while (n_done < n_block) {
    if (!reader_.has_value() || !reader_->Next(&line)) {
      if (!OpenNext()) break;
      continue;
    }
    if (const std::string wrong = Parse(line, rows); !wrong.empty()) {
      bad->push_back({block * kBlockRows + n_done, Where(*reader_, line) + ": " + wrong});
    }
    ++n_done;
    ++row_;
  }
  return n_done;
}

bool TextSource::GoTo(int64_t block) {
  if (RowsOfBlock(block) == 0) return false;
  const int64_t wanted = first_row_ + block * kBlockRows;
  if (row_ != wanted && block < static_cast<int64_t>(marks_.size()) &&
      marks_[static_cast<size_t>(block)].has_value()) {
    const Mark& mark = *marks_[static_cast<size_t>(block)];
    if (next_file_ != mark.file + 1 || !reader_.has_value()) Restart(mark.file);
    if (reader_.has_value() || OpenNext()) reader_->Seek(mark.place);
    row_ = wanted;
  }
  if (row_ > wanted) {
    size_t file = 0;
    while (file + 1 < files_.size() && files_[file + 1].n_rows_before >= 0 &&
           files_[file + 1].n_rows_before <= wanted) {
      ++file;
    }
    Restart(file);
  }
  // Block by block, so that each is marked.
  while (row_ < wanted) {
    const int64_t into = row_ - first_row_;  // negative before the split
    if (into >= 0) MarkBlock(into / kBlockRows);
    const int64_t n = into < 0 ? -into : kBlockRows - into % kBlockRows;
    if (Skip(n) < n) return false;
  }
  MarkBlock(block);
  return true;
}

void TextSource::MarkBlock(int64_t block) {
  if (static_cast<size_t>(block) != marks_.size() || row_ != first_row_ + block * kBlockRows)
    return;
  std::optional<Mark>& mark = marks_.emplace_back();
  if (reader_.has_value() && reader_->CanSeek()) mark = Mark{next_file_ - 1, reader_->place()};
}

void TextSource::Restart(size_t file) {
  next_file_ = file;
  reader_.reset();
  row_ = files_[file].n_rows_before;
}

bool TextSource::OpenNext() {
  if (next_file_ == files_.size()) return false;
  File& file = files_[next_file_++];
  file.n_rows_before = row_;
  reader_.emplace(file.path);
  if (reader_->stamp() != file.stamp) {
    Fail(file.path, ": changed since the job began: ", file.stamp.n_bytes, " bytes then, ",
         reader_->stamp().n_bytes, " now, expected a file that stays as it is");
  }
  if (header_) reader_->Skip(1);
  return true;
}

int64_t TextSource::Skip(int64_t n) {
  int64_t n_done = 0;
  while (n_done < n) {
    if (reader_.has_value()) {
      const int64_t n_here = reader_->Skip(n - n_done);
      n_done += n_here;
      row_ += n_here;
    }
    if (n_done < n && !OpenNext()) break;
  }
  return n_done;
}

std::string TextSource::Parse(const Line& line, Rows* rows) {
  if (std::string wrong = CheckText(line); !wrong.empty()) return wrong;
  if (std::string wrong = splitter_.Split(line.text, &values_); !wrong.empty()) return wrong;
  if (values_.size() == n_own_columns_) {
    if (behaviour_ && !IsOfThisSplit()) return "";
    AddColumns();
  } else if (n_columns_ != n_own_columns_) {
    return std::to_string(values_.size()) + " columns, expected " + std::to_string(n_own_columns_);
  }
  std::string wrong = parser_->Parse(values_, rows);
  if (wrong.empty() && config_.has_negatives() && is_of_behaviour_ && !is_test_ &&
      behaviour_->IsLearnedEvent(row_))
    AddNegatives(rows);
  return wrong;
}

bool TextSource::IsOfThisSplit() const {
  if (!is_of_behaviour_) return true;
  if (row_ >= behaviour_->n_rows())
    Fail(reader_->path(), ": has grown since the job began, expected a file that stays as it is");
  return behaviour_->IsHeldOut(row_) == is_test_;
}

void TextSource::AddColumns() {
  joins_.Append(&values_);
  if (!behaviour_) return;
  history_ = is_of_behaviour_ ? behaviour_->HistoryBefore(row_)
                              : behaviour_->HistoryOf(behaviour_->FindUser(values_[user_column_]));
  log_share_ = behaviour_->LogShareOf(values_[item_column_]);
  values_.push_back(history_);
  values_.push_back(log_share_);
}

void TextSource::AddNegatives(Rows* rows) {
  Random random(config_.seed(), static_cast<uint64_t>(row_), kNegatives);
  for (int i = 0; i < config_.negatives().per_event(); ++i) {
    const int item = behaviour_->DrawNegative(row_, &random);
    if (item < 0) return;
    values_.resize(n_own_columns_);
    values_[item_column_] = behaviour_->item(item);
    AddColumns();
    if (!parser_->Parse(values_, rows).empty()) continue;  // something of that item is malformed
    float* const labels = rows->labels.data() + rows->labels.size() - is_negative_.size();
    for (size_t t = 0; t < is_negative_.size(); ++t) labels[t] = is_negative_[t] ? 0 : kMissing;
  }
}

}  // namespace

std::unique_ptr<Source> MakeTextSource(const Job& job, const Split& split, LabelDomains labels,
                                       RowParser::Observer observer) {
  return std::make_unique<TextSource>(job, split, std::move(labels), std::move(observer));
}

}  // namespace zhiyin::worker::data
