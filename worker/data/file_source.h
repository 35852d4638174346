// Examples from files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/example_assembler.h"
#include "worker/data/record_blocks.h"
#include "worker/data/records.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {

/// Where the examples of a block stand. Allocates nothing per example once it is warm.
class ExamplePlaces {
 public:
  void Clear();
  /// Adds n examples of a record.
  void Add(const std::string& path, int64_t number, int64_t n);
  /// "FILE:NUMBER". REQUIRES: there are more examples.
  std::string Of(int64_t example) const;

 private:
  struct File {
    int64_t first = 0;  // example
    std::string path;
  };
  std::vector<int64_t> numbers_;  // [examples]
  std::vector<File> files_;       // ascending
};

/// Reads the examples of a split: blocks of records (RecordBlocks), made into examples
/// (ExampleAssembler). Used by one thread.
class FileSource final : public Source, public SharedFiles {
 public:
  /// Throws Error where MakeSource does. REQUIRES: the job's data is in files.
  FileSource(const Job& job, SplitKind split, LabelDomains labels, ExampleParser::Observer observer,
             const Tick& tick, ReadCounts* counts, const SideInputs& side);

  int64_t Read(int64_t block, Examples* examples, std::vector<BadLine>* bad) override;
  std::optional<int64_t> CountLines() override { return blocks_.Count(); }
  std::string PlaceOf(int64_t example) const override { return places_.Of(example); }
  std::span<const int32_t> n_examples_of_records() const override { return n_examples_; }
  JoinMatches joined() const override { return assembler_.joined(); }
  std::span<const uint8_t> seen() const override { return seen_; }
  const Joins* joins() const override { return assembler_.joins(); }
  void SetTick(Tick tick) override;
  /// Null where the split has behaviour: which example a record is, only its number tells.
  SharedFiles* shared_files() override { return is_shared_ ? this : nullptr; }

  bool IsPipe() const override { return !pipe_.empty(); }
  std::vector<Unit> Units() const override { return blocks_.records().Units(); }
  double RecordBytes() const override { return blocks_.records().RecordBytes(); }
  void BeginShare(const FileCut& begin, const FileCut& end, int64_t points_every) override;
  int64_t ReadOn(int64_t n_most, Examples* examples, std::vector<BadLine>* bad) override;
  ShareFindings EndShare() override;
  bool CanJump() const override { return blocks_.records().CanJump(); }
  void SetPlaces(std::span<const int64_t> file_begins, std::vector<Records::Place> places,
                 FilePoints points) override {
    blocks_.SetPlaces(file_begins, std::move(places), std::move(points));
  }
  Records::Place PlaceBefore(int64_t record) const override { return blocks_.PlaceBefore(record); }
  std::vector<int64_t> FileBegins() const override { return blocks_.records().Begins(); }

 private:
  /// Empties what is said of the block that was read last, and the two.
  void Clear(Examples* examples, std::vector<BadLine>* bad);
  /// Appends the examples of the next record of a reader to *examples. Returns false at its end.
  bool AppendNext(Records* records, Examples* examples);
  /// Notes the files that begin with record `first` or before it, up to a file, exclusive.
  void NoteBegins(size_t end_file, int64_t first);

  bool is_shared_;
  std::string pipe_;  // the only file where that is a pipe; else empty
  RecordBlocks blocks_;
  ExampleAssembler assembler_;
  RecordView record_;  // in hand
  std::string wrong_;  // with it
  std::unique_ptr<Records> share_;
  FileCut share_begin_;
  ShareFindings share_findings_;
  size_t next_begin_ = 0;  // the file of the share that begins next
  // These three are of the block that was read last.
  std::vector<uint8_t> seen_;
  ExamplePlaces places_;
  std::vector<int32_t> n_examples_;  // [records]
};

}  // namespace zhiyin::worker::data
