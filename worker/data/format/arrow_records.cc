#include "worker/data/format/arrow_records.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "common/error.h"
#include "worker/data/format/arrow_column.h"
#include "worker/data/format/arrow_scalars.h"
#include "worker/data/format/arrow_type.h"

namespace zhiyin::worker::data {
namespace {

/// Rows that are converted at a time, so that their Values stay in the processor's cache.
constexpr int64_t kRowsAtOnce = 256;

/// The batches of a table, with positions in it.
class ArrowBatches {
 public:
  ArrowBatches(ArrowTable* table, std::vector<int32_t> columns)
      : table_(*table), columns_(std::move(columns)) {
    int64_t begin = 0;
    for (const int64_t n : table_.GroupRows()) {
      if (n < 0 || n > INT64_MAX - begin) {
        group_begins_.clear();
        break;
      }
      group_begins_.push_back(begin);
      begin += n;
    }
    if (!group_begins_.empty()) n_rows_ = begin;
    Start(0, 0);
  }

  /// The schema of the batches: the columns that are read.
  const ArrowSchema& schema() const { return *schema_; }

  /// Returns the next batch; one that holds nothing at the end of the table.
  ArrowOwned<ArrowArray> Next() {
    table_.CheckUnchanged();
    ArrowOwned<ArrowArray> batch;
    if (stream_->get_next(stream_.get(), batch.Fill()) != 0) FailStream();
    if (!batch) {
      CheckGroups(/*at_end=*/true);
      return batch;
    }
    if (batch->length < 0 || batch->n_children != schema_->n_children)
      FailCorrupt(table_.path(), "it has other columns than its schema");
    next_group_ = GroupAfter(next_row_);
    next_row_ += batch->length;
    CheckGroups(/*at_end=*/false);
    return batch;
  }

  /// The row that the next batch begins with.
  int64_t next_row() const { return next_row_; }

  /// The first row of the last group that begins at `row` at the latest; -1 where there is none.
  int64_t GroupBefore(int64_t row) const {
    const auto after = std::upper_bound(group_begins_.begin(), group_begins_.end(), row);
    return after == group_begins_.begin() ? -1 : *(after - 1);
  }

  /// Continues at the last group that begins at `row` at the latest, if it begins after next_row.
  void Jump(int64_t row) {
    const auto after = std::upper_bound(group_begins_.begin(), group_begins_.end(), row);
    if (after == group_begins_.begin() || *(after - 1) <= next_row_) return;
    Start(after - group_begins_.begin() - 1, *(after - 1));
  }

 private:
  void Start(int64_t group, int64_t row) {
    stream_ = table_.Read(columns_, group);
    if (stream_->get_schema(stream_.get(), schema_.Fill()) != 0) FailStream();
    next_row_ = row;
    next_group_ = GroupAfter(row);
  }

  /// The first group that begins behind a row; their number where there is none.
  std::ptrdiff_t GroupAfter(int64_t row) const {
    return std::upper_bound(group_begins_.begin(), group_begins_.end(), row) -
           group_begins_.begin();
  }

  /// Throws Error where groups have other numbers of rows than the table says, by which readers
  /// divide it.
  void CheckGroups(bool at_end) {
    const bool is_beyond = next_group_ < static_cast<std::ptrdiff_t>(group_begins_.size()) &&
                           next_row_ > group_begins_[static_cast<size_t>(next_group_)];
    if (!is_beyond && (n_rows_ < 0 || (at_end ? next_row_ == n_rows_ : next_row_ <= n_rows_)))
      return;
    Fail(table_.path(), ": damaged: other numbers of rows than its groups say, up to row ",
         next_row_);
  }

  [[noreturn]] void FailStream() {
    // What was wrong may be that another program writes the file.
    table_.CheckUnchanged();
    const char* error = stream_->get_last_error(stream_.get());
    Fail(table_.path(), ": from row ", next_row_ + 1,
         " on: ", error == nullptr ? "it cannot be read" : error);
  }

  ArrowTable& table_;
  std::vector<int32_t> columns_;
  std::vector<int64_t> group_begins_;  // first rows; empty where there are no groups
  ArrowOwned<ArrowArrayStream> stream_;
  ArrowOwned<ArrowSchema> schema_;
  int64_t n_rows_ = -1;  // that the groups say; -1: not known
  int64_t next_row_ = 0;
  std::ptrdiff_t next_group_ = 0;  // the first one behind where the last batch began
};

/// Positions of the columns that are wanted, in ascending order. Throws Error where there is one
/// that is not there.
std::vector<int32_t> ColumnsToRead(ArrowTable* table, std::span<const WantedColumn> wanted) {
  const ArrowType type = ArrowTypeOf(table->schema());
  std::set<int32_t> columns;
  for (const WantedColumn& column : wanted) {
    const ArrowPlace place = FindArrowColumn(table->path(), type, column);
    columns.insert(static_cast<int32_t>(place.fields[0]));
  }
  return {columns.begin(), columns.end()};
}

class ArrowRecordReader : public RecordReader {
 public:
  ArrowRecordReader(std::unique_ptr<ArrowTable> table, std::span<const WantedColumn> wanted)
      : table_(std::move(table)),
        batches_(table_.get(), ColumnsToRead(table_.get(), wanted)),
        names_(wanted.begin(), wanted.end()) {
    const ArrowType type = ArrowTypeOf(batches_.schema());
    for (const WantedColumn& column : wanted)
      columns_.emplace_back(table_->path(), type, column, &arena_);
  }

  bool Next(Record* record) override {
    while (slice_row_ == slice_rows_) {
      if (!ReadSlice()) return false;
    }
    const size_t row = static_cast<size_t>(slice_row_++);
    const Value* values = values_.data() + row * columns_.size();
    record->number = ++n_passed_;
    record->values.assign(values, values + columns_.size());
    record->seen.assign(columns_.size(), 1);  // or the table would have been refused
    record->wrong.clear();
    if (has_wrong_ && !wrong_[row].empty()) {
      record->wrong = wrong_[row];
      record->values.assign(columns_.size(), Value());
    }
    return true;
  }

  int64_t PassParts(int64_t n) override {
    const int64_t before = n_passed_;
    const int64_t target = n > INT64_MAX - before ? INT64_MAX : before + n;
    const int64_t begin = batches_.GroupBefore(target);
    if (begin <= n_passed_ || begin < batches_.next_row()) return 0;
    slice_row_ = slice_rows_;
    batch_row_ = BatchRows();
    batches_.Jump(target);
    n_passed_ = batches_.next_row();
    return n_passed_ - before;
  }

  int64_t Skip(int64_t n) override {
    const int64_t before = n_passed_;
    const int64_t target = n > INT64_MAX - before ? INT64_MAX : before + std::max<int64_t>(0, n);
    const int64_t n_of_slice = std::min(target - n_passed_, slice_rows_ - slice_row_);
    slice_row_ += n_of_slice;
    n_passed_ += n_of_slice;
    while (n_passed_ < target) {
      if (batch_row_ < BatchRows()) {
        const int64_t n_of_batch = std::min(target - n_passed_, BatchRows() - batch_row_);
        batch_row_ += n_of_batch;
        n_passed_ += n_of_batch;
        continue;
      }
      batches_.Jump(target);
      n_passed_ = batches_.next_row();
      if (!NextBatch()) break;
    }
    return n_passed_ - before;
  }

 private:
  int64_t BatchRows() const { return batch_ ? batch_->length : 0; }

  /// Takes the next batch, of which nothing is converted yet. Returns false at the end.
  bool NextBatch() {
    if (at_end_) return false;
    // Dictionaries of the batch that was converted last are compared with those of the next one.
    if (is_set_) converted_ = std::move(batch_);
    is_set_ = false;
    batch_row_ = 0;
    batch_ = batches_.Next();
    at_end_ = !batch_;
    return !at_end_;
  }

  /// Converts the next rows of the batch, or of the next one. Returns false at the end.
  bool ReadSlice() {
    slice_row_ = slice_rows_ = 0;
    while (batch_row_ == BatchRows()) {
      if (!NextBatch()) return false;
    }
    if (!is_set_) {
      for (ArrowColumn& column : columns_) column.SetBatch(*batch_);
      is_set_ = true;
    }
    int64_t n = std::min(kRowsAtOnce, BatchRows() - batch_row_);
    for (ArrowColumn& column : columns_) n = column.RowsAtOnce(batch_row_, n);
    arena_.Clear();
    has_wrong_ = false;
    values_.resize(static_cast<size_t>(n) * columns_.size());
    for (size_t c = 0; c < columns_.size(); ++c) {
      columns_[c].Read(batch_row_, n, values_.data() + c, columns_.size(), &defects_);
      if (!defects_.empty()) Note(c, n);
    }
    batch_row_ += n;
    slice_rows_ = n;
    return true;
  }

  /// Makes records of the slice malformed by the defects of a column.
  void Note(size_t column, int64_t n) {
    if (!has_wrong_) wrong_.assign(static_cast<size_t>(n), "");
    has_wrong_ = true;
    for (const ArrowDefect& defect : defects_) {
      std::string& wrong = wrong_[static_cast<size_t>(defect.at)];
      if (wrong.empty()) wrong = "column \"" + names_[column].name + "\": " + defect.what;
    }
    defects_.clear();
  }

  std::unique_ptr<ArrowTable> table_;
  ArrowBatches batches_;
  std::vector<WantedColumn> names_;
  TextArena arena_;
  std::vector<ArrowColumn> columns_;  // [wanted columns]

  ArrowOwned<ArrowArray> batch_;
  ArrowOwned<ArrowArray> converted_;  // the batch that columns were set to before
  bool is_set_ = false;               // whether columns are set to batch_
  bool at_end_ = false;
  int64_t batch_row_ = 0;  // the next of the batch to be converted
  int64_t n_passed_ = 0;   // records that were returned or passed over

  std::vector<Value> values_;  // [rows of the slice, columns]
  std::vector<ArrowDefect> defects_;
  std::vector<std::string> wrong_;  // [rows of the slice], where has_wrong_
  bool has_wrong_ = false;
  int64_t slice_rows_ = 0;
  int64_t slice_row_ = 0;  // the next to be returned
};

}  // namespace

std::unique_ptr<RecordReader> ReadArrowRecords(std::unique_ptr<ArrowTable> table,
                                               std::span<const WantedColumn> wanted) {
  return std::make_unique<ArrowRecordReader>(std::move(table), wanted);
}

}  // namespace zhiyin::worker::data
