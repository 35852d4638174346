#include "worker/data/format_records.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "worker/data/behaviour_columns.h"
#include "worker/data/format/delimited.h"
#include "worker/data/joins.h"
#include "worker/data/record_counts.h"

namespace zhiyin::worker::data {
namespace {

/// Parts are looked for where there are at most so many files; more are enough to be shared among
/// readers as they are.
constexpr size_t kMostFilesInParts = 256;

/// A column that a job reads, and the input that reads it first, for messages.
struct UsedColumn {
  WantedColumn column;
  std::string user;
};

/// Collects columns, each once.
class UsedList {
 public:
  /// Adds a column that is read for an input. What several inputs read a column for must suit all
  /// of them: a text suits a number and a category.
  void Add(const std::string& column, const std::string& user, WantedColumn::Use use) {
    const std::string& name = column.empty() ? user : column;
    const auto at = std::ranges::find_if(
        columns_, [&](const UsedColumn& used) { return used.column.name == name; });
    if (at == columns_.end()) {
      columns_.push_back({{name, use}, user});
    } else {
      at->column.use = std::min(at->column.use, use);
    }
  }
  std::vector<UsedColumn> Take() { return std::move(columns_); }

 private:
  std::vector<UsedColumn> columns_;
};
static_assert(WantedColumn::Use::kText < WantedColumn::Use::kCategories &&
              WantedColumn::Use::kCategories < WantedColumn::Use::kNumber);

WantedColumn::Use UseOfLabel(const Label& label) {
  return label.has_equals() || label.has_prefix() ? WantedColumn::Use::kText
                                                  : WantedColumn::Use::kNumber;
}

std::vector<UsedColumn> ColumnsWithUsers(const Job& job, LabelUse labels) {
  using Use = WantedColumn::Use;
  UsedList used;
  for (const Field& field : job.field())
    used.Add(field.column(), field.name(),
             field.bucket_size() > 0 ? Use::kNumber : Use::kCategories);
  for (const Numeric& numeric : job.numeric())
    used.Add(numeric.column(), numeric.name(), Use::kNumber);
  for (const Join& join : job.data().join()) used.Add(join.column(), "data.join", Use::kText);
  if (job.data().has_behaviour()) {
    const zhiyin::Behaviour& behaviour = job.data().behaviour();
    for (const std::string& column : {behaviour.user(), behaviour.item(), behaviour.time()})
      used.Add(column, "data.behaviour", Use::kText);
    if (!behaviour.event().empty()) used.Add(behaviour.event(), "data.behaviour", Use::kNumber);
  }
  if (labels == LabelUse::kIgnored) return used.Take();
  for (const Task& task : job.task()) {
    used.Add(task.label().column(), task.name(), UseOfLabel(task.label()));
    if (task.has_sample_space())
      used.Add(task.sample_space().column(), task.name(), UseOfLabel(task.sample_space()));
    if (!task.weight_column().empty()) used.Add(task.weight_column(), task.name(), Use::kNumber);
  }
  return used.Take();
}

const char* FormatName(const Format* format) {
  return format == nullptr ? "delimited text" : format->name;
}

bool HasOwnColumns(const Format* format) {
  return format != nullptr && format->may_begin != nullptr;
}

/// The format that Text.layout says; null for delimited text.
const Format* FormatOfLayout(const Text& text) {
  switch (text.layout_case()) {
    case Text::kJsonLines:
      return &kJsonLines;
    case Text::kLibsvm:
      return &kLibsvm;
    case Text::kLibffm:
      return &kLibffm;
    case Text::kSlots:
      return &kSlots;
    case Text::kDelimited:
    case Text::LAYOUT_NOT_SET:
      break;
  }
  return nullptr;
}

/// The format that the first of the files tells that is not empty; null for delimited text.
const Format* RecogniseFirst(const Text& text,
                             const google::protobuf::RepeatedPtrField<std::string>& files,
                             const Tick& tick) {
  for (const std::string& path : files) {
    tick();
    const FileStart start = ReadStart(path);
    if (!start.bytes.empty()) return RecogniseFormat(start.bytes, text);
  }
  return nullptr;
}

/// Throws Error where a file that begins so is of another format than is expected. `reference` says
/// why that one is, as " as in a.json".
void CheckStart(const std::string& path, std::string_view start, const Format& expected,
                const Text& text, const std::string& reference) {
  if (start.empty()) return;
  const Format* const own = RecogniseFormat(start, text);
  if (own == &expected) return;
  // What the layout says is not looked for in the file, which may begin with a malformed line.
  if (text.layout_case() != Text::LAYOUT_NOT_SET) {
    if (own == nullptr || HasOwnColumns(own)) return;
  } else if (HasOwnColumns(&expected) && expected.may_begin(start)) {
    return;
  }
  Fail(path, ": is ", FormatName(own), ", expected ", expected.name, reference);
}

}  // namespace

const Format* FormatOfFiles(const Data& data, const Split& split, const Tick& tick) {
  if (split.file().empty()) Fail("data: no file in a split, expected at least one");
  const bool is_told = data.text().layout_case() != Text::LAYOUT_NOT_SET;
  const Format* const trained = FormatNamed(data.columns().format());
  if (!is_told && HasOwnColumns(trained)) return trained;
  const Format* const format =
      is_told ? FormatOfLayout(data.text()) : RecogniseFirst(data.text(), split.file(), tick);
  if (trained != nullptr && format != trained && (HasOwnColumns(trained) || HasOwnColumns(format)))
    Fail(split.file(0), ": is ", FormatName(format), ", expected ", trained->name,
         " as in training");
  return format;
}

const Format* FormatOfJoin(const Join& join, const Tick& tick) {
  if (join.text().layout_case() != Text::LAYOUT_NOT_SET) return FormatOfLayout(join.text());
  return RecogniseFirst(join.text(), join.file(), tick);
}

std::vector<WantedColumn> UsedColumns(const Job& job, LabelUse labels) {
  std::vector<WantedColumn> columns;
  for (UsedColumn& used : ColumnsWithUsers(job, labels)) columns.push_back(std::move(used.column));
  return columns;
}

std::vector<WantedColumn> WantedColumns(const Job& job, LabelUse labels) {
  std::vector<std::string> added = JoinedColumns(job);
  if (job.data().has_behaviour())
    added.insert(added.end(), kBehaviourColumns.begin(), kBehaviourColumns.end());
  std::vector<WantedColumn> wanted;
  for (UsedColumn& used : ColumnsWithUsers(job, labels)) {
    const std::string& name = used.column.name;
    if (std::ranges::find(added, name) != added.end()) continue;
    if (name.size() > 1 && name[0] == '#' &&
        name.find_first_not_of("0123456789", 1) == std::string::npos) {
      Fail(used.user, ": column \"", name,
           "\" is a position, but the records of these files name their values: expected a name");
    }
    wanted.push_back(std::move(used.column));
  }
  return wanted;
}

Columns ColumnsOf(const std::vector<WantedColumn>& wanted, const std::string& where) {
  Columns columns = {static_cast<int>(wanted.size()), {}, where};
  for (const WantedColumn& column : wanted) columns.names.push_back(column.name);
  return columns;
}

FormatRecords::FormatRecords(const Format& format, const Job& job, const Split& split,
                             LabelUse labels, Tick tick, ReadCounts* counts)
    : FormatRecords(format, job.data().text(), "data.text", split.file(),
                    WantedColumns(job, labels), std::move(tick), counts) {
  const bool is_part = split.first_row() > 0 || split.n_rows() > 0;
  has_parts_ = format.parts != nullptr && (is_part || files_.size() <= kMostFilesInParts);
}

FormatRecords::FormatRecords(const Format& format, const Text& text, const std::string& told_by,
                             const google::protobuf::RepeatedPtrField<std::string>& files,
                             std::vector<WantedColumn> wanted, Tick tick, ReadCounts* counts)
    : format_(format),
      text_(text),
      wanted_(std::move(wanted)),
      columns_(ColumnsOf(wanted_, files[0])),
      tick_(std::move(tick)),
      counts_(counts) {
  const bool is_told = text_.layout_case() != Text::LAYOUT_NOT_SET;
  for (const std::string& path : files) {
    tick_();
    const FileStart start = ReadStart(path);
    const std::string reference = is_told            ? " as " + told_by + " says"
                                  : path == files[0] ? " as in training"
                                                     : " as in " + files[0];
    CheckStart(path, start.bytes, format, text_, reference);
    files_.push_back({path, start.stamp});
  }
  files_[0].begin = 0;
  end_ = {files_.size(), 0};
}

FormatRecords::FormatRecords(const FormatRecords& all, const FileCut& begin, const FileCut& end)
    : format_(all.format_),
      text_(all.text_),
      wanted_(all.wanted_),
      columns_(all.columns_),
      files_(all.files_),
      tick_(all.tick_),
      counts_(all.counts_),
      begin_(begin),
      end_(end),
      next_file_(begin.file) {}

bool FormatRecords::Next(RecordView* record) {
  while (reader_ == nullptr || n_left_here() == 0 || !reader_->Next(&record_)) {
    if (reader_ != nullptr && file() == end_.file && n_left_here() > 0) {
      Fail(path(), ": has ", n_passed_here_, " records, expected ", end_.offset,
           " at least as it says");
    }
    if (!OpenNext()) return false;
  }
  ++position_;
  ++n_passed_here_;
  record->wrong = record_.wrong;
  if (!record->wrong.empty()) return true;
  record->values.assign(record_.values.begin(), record_.values.end());
  if (!text_.trim()) return true;
  for (Value& value : record->values) {
    if (value.kind() == Value::Kind::kText) value = Value(TrimSpaces(value.text()));
  }
  return true;
}

int64_t FormatRecords::Skip(int64_t n) {
  int64_t n_done = 0;
  while (n_done < n) {
    if (reader_ != nullptr) {
      const int64_t n_here = SkipHere(n - n_done);
      n_done += n_here;
      position_ += n_here;
      if (n_done == n) break;
    }
    if (!OpenNext()) break;
  }
  return n_done;
}

int64_t FormatRecords::SkipHere(int64_t n) {
  n = std::min(n, n_left_here());
  int64_t n_done = 0;
  while (n_done < n) {
    const int64_t n_parts = reader_->PassParts(n - n_done);
    const int64_t n_wanted = std::min(n - n_done - n_parts, PieceTick::kPieces);
    const int64_t n_read = reader_->Skip(n_wanted);
    n_done += n_parts + n_read;
    tick_();
    if (n_read < n_wanted) break;
  }
  n_passed_here_ += n_done;
  return n_done;
}

void FormatRecords::Seek(const Place& place) {
  next_file_ = place.file;
  reader_.reset();
  position_ = place.position;
}

size_t FormatRecords::FileBefore(int64_t position) const {
  size_t file = 0;
  while (file + 1 < files_.size() && files_[file + 1].begin >= 0 &&
         files_[file + 1].begin <= position)
    ++file;
  return file;
}

void FormatRecords::RestartBefore(int64_t position) {
  next_file_ = FileBefore(position);
  reader_.reset();
  position_ = files_[next_file_].begin;
}

void FormatRecords::SetBegins(std::span<const int64_t> begins) {
  for (size_t f = 0; f < files_.size(); ++f) files_[f].begin = begins[f];
}

std::vector<int64_t> FormatRecords::Begins() const {
  std::vector<int64_t> begins;
  for (const File& file : files_) begins.push_back(file.begin);
  return begins;
}

std::vector<Unit> FormatRecords::Units() const {
  std::vector<Unit> units;
  for (size_t f = 0; f < files_.size(); ++f) {
    tick_();
    const File& file = files_[f];
    const int64_t n_bytes = file.stamp.n_bytes;
    const bool may_have_parts = has_parts_ && n_bytes > 0;
    const std::vector<FilePart> parts =
        may_have_parts ? format_.parts(file.path) : std::vector<FilePart>();
    int64_t n_before = 0;
    for (const FilePart& part : parts) {
      if (part.n_records == 0) continue;
      if (part.n_records > RecordRuns::kMostRecords - n_before) {
        Fail(file.path, ": says that it has more than ", RecordRuns::kMostRecords,
             " records, expected fewer");
      }
      units.push_back({{f, n_before}, part.n_bytes, /*is_plain=*/false, part.n_records});
      n_before += part.n_records;
    }
    if (n_before > 0) continue;
    const bool is_empty = n_bytes == 0 || !parts.empty();
    units.push_back({{f, 0}, n_bytes, /*is_plain=*/false, is_empty ? 0 : -1});
  }
  return units;
}

std::unique_ptr<Records> FormatRecords::Between(const FileCut& begin, const FileCut& end) const {
  return std::unique_ptr<Records>(new FormatRecords(*this, begin, end));
}

ShareEnds FormatRecords::ends() const {
  const int64_t n_before = end_.file == begin_.file ? begin_.offset : 0;
  return {begin_, end_, end_.offset > 0 ? end_.offset - n_before : 0};
}

bool FormatRecords::OpenNext() {
  if (next_file_ > end_.file || (next_file_ == end_.file && end_.offset == 0)) return false;
  tick_();
  File& file = files_[next_file_++];
  file.begin = position_;
  n_passed_here_ = 0;
  const FileStamp stamp = FileBytes(file.path).stamp();
  if (stamp != file.stamp) {
    Fail(file.path, ": changed since the job began: ", file.stamp.n_bytes, " bytes then, ",
         stamp.n_bytes, " now, expected a file that stays as it is");
  }
  reader_.reset();
  // An empty file has no records in any format.
  if (stamp.n_bytes > 0) reader_ = format_.open(file.path, text_, wanted_, counts_);
  if (this->file() != begin_.file || begin_.offset == 0) return true;
  if (reader_ == nullptr || SkipHere(begin_.offset) < begin_.offset) {
    Fail(file.path, ": has ", n_passed_here_, " records, expected more than ", begin_.offset,
         " as it says");
  }
  return true;
}

}  // namespace zhiyin::worker::data
