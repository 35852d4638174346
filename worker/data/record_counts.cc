#include "worker/data/record_counts.h"

#include <glog/logging.h>

#include <algorithm>

#include "common/error.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {

static_assert(RecordRuns::kMostExamples * kBlockRecords == kMaxExamplesOfBlock);

void RecordRuns::Append(int64_t n_records, int32_t n_examples) {
  if (n_records == 0) return;
  if (runs_.empty() || runs_.back().n_examples != n_examples) runs_.push_back({0, n_examples});
  runs_.back().n_records += n_records;
  n_records_ += n_records;
  if (n_examples == kNotRead) return;
  n_examples_ += n_records * n_examples;
  n_read_ += n_records;
}

void RecordRuns::SkipTo(int64_t record) {
  CHECK_GE(record, n_records_);
  Append(record - n_records_, kNotRead);
}

RecordRuns RecordRuns::Join(std::span<const RecordRuns> parts, const std::string& where) {
  struct Read {
    int64_t first = 0;
    Run run;
  };
  std::vector<Read> all;
  for (const RecordRuns& part : parts)
    part.ForEachRead([&](int64_t first, const Run& run) { all.push_back({first, run}); });
  std::sort(all.begin(), all.end(), [](const Read& a, const Read& b) { return a.first < b.first; });
  RecordRuns joined;
  for (const auto& [first, run] : all) {
    if (first > joined.n_records_) {
      Fail(where, ": one worker found no lines from line ", joined.n_records_,
           " of the split on, another found line ", first,
           ": expected files that stay as they are");
    }
    if (first < joined.n_records_)
      Fail(where, ": two workers have read line ", first, " of the split, expected one");
    joined.Append(run.n_records, run.n_examples);
  }
  return joined;
}

// Format: varint n_runs; for each, varint n_records and varint n_examples + 1.
void RecordRuns::Write(ByteWriter* out) const {
  out->PutVarint(runs_.size());
  for (const Run& run : runs_) {
    out->PutVarint(static_cast<uint64_t>(run.n_records));
    out->PutVarint(static_cast<uint64_t>(run.n_examples + 1));
  }
}

RecordRuns RecordRuns::Read(ByteReader* in) {
  RecordRuns runs;
  for (int64_t n = static_cast<int64_t>(in->GetVarint(kMostRecords)); n > 0; --n) {
    const int64_t n_records = static_cast<int64_t>(in->GetVarint(kMostRecords));
    if (n_records == 0 || n_records > kMostRecords - runs.n_records_)
      in->Refuse("an impossible number of records");
    const int32_t n_examples = static_cast<int32_t>(in->GetVarint(kMostExamples + 1)) - 1;
    runs.Append(n_records, n_examples);
  }
  return runs;
}

RecordCounts::RecordCounts(const RecordRuns& runs)
    : n_records_(runs.n_records()), n_examples_(runs.n_examples()) {
  CHECK_EQ(runs.n_read(), runs.n_records());
  int64_t record = 0;
  int64_t example = 0;
  for (const RecordRuns::Run& run : runs.runs()) {
    runs_.push_back({record, example, run.n_examples});
    record += run.n_records;
    example += run.n_records * run.n_examples;
  }
}

RecordRuns RecordCounts::Runs() const {
  RecordRuns runs;
  for (size_t r = 0; r < runs_.size(); ++r) {
    const int64_t end = r + 1 < runs_.size() ? runs_[r + 1].first_record : n_records_;
    runs.Append(end - runs_[r].first_record, static_cast<int32_t>(runs_[r].n_examples));
  }
  return runs;
}

int64_t RecordCounts::n_blocks() const {
  return (n_records_ + kBlockRecords - 1) / kBlockRecords;
}

int64_t RecordCounts::ExamplesBefore(int64_t record) const {
  const auto after =
      std::upper_bound(runs_.begin(), runs_.end(), record,
                       [](int64_t number, const Run& run) { return number < run.first_record; });
  if (after == runs_.begin()) return 0;
  const Run& run = *(after - 1);
  return run.first_example + (record - run.first_record) * run.n_examples;
}

int64_t RecordCounts::ExamplesOf(int64_t block) const {
  return ExamplesBefore(std::min((block + 1) * kBlockRecords, n_records_)) -
         ExamplesBefore(block * kBlockRecords);
}

}  // namespace zhiyin::worker::data
