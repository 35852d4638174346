// The records of delimited text files.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/column_order.h"
#include "worker/data/format/delimited.h"
#include "worker/data/records.h"
#include "worker/data/text_columns.h"
#include "worker/data/text_lines.h"

namespace zhiyin::worker::data {

/// Reads the lines of files (TextLines), and cuts them into the values of the columns of training
/// (LineSplitter, ColumnOrder). Allocates nothing per record once it is warm. Used by one thread.
class TextRecords final : public Records {
 public:
  /// Counts as FileBytes does.
  TextRecords(InspectedFiles inspected, Tick tick, ReadCounts* counts);

  void SetTick(Tick tick) override;
  const Columns& columns() const override { return inspected_.columns; }
  bool Has(size_t column) const override { return order_.Has(column); }
  int64_t position() const override { return lines_.position(); }
  bool Next(RecordView* record) override;
  int64_t Skip(int64_t n) override { return lines_.Skip(n); }
  std::optional<Place> place() const override { return lines_.place(); }
  void Seek(const Place& place) override { lines_.Seek(place); }
  void ReadAheadTo(const Place& place) override { lines_.ReadAheadTo(place); }
  int64_t BeginBefore(int64_t position) const override { return lines_.BeginBefore(position); }
  void RestartBefore(int64_t position) override { lines_.RestartBefore(position); }
  bool CanJump() const override;
  void SetBegins(std::span<const int64_t> begins) override { lines_.SetBegins(begins); }
  std::vector<int64_t> Begins() const override { return lines_.Begins(); }
  std::vector<Unit> Units() const override;
  double RecordBytes() const override { return inspected_.line_bytes; }
  std::unique_ptr<Records> Between(const FileCut& begin, const FileCut& end) const override;
  ShareEnds ends() const override { return ends_; }
  void NotePoints(int64_t every) override { lines_.NotePoints(every); }
  FilePoints TakePoints() override { return lines_.TakePoints(); }
  void SetPoints(FilePoints points) override { lines_.SetPoints(std::move(points)); }
  const std::string& path() const override { return lines_.path(); }
  size_t file() const override { return lines_.file(); }
  int64_t number() const override { return line_.number; }

 private:
  TextRecords(const InspectedFiles& inspected, const FileCut& begin, const FileCut& end, Tick tick,
              ReadCounts* counts);

  const InspectedFiles inspected_;
  Tick tick_;
  ReadCounts* counts_;
  TextLines lines_;
  LineSplitter splitter_;
  ColumnOrder order_;
  ShareEnds ends_;
  Line line_;
  std::vector<std::string_view> texts_;  // of the line in hand
};

}  // namespace zhiyin::worker::data
