#include "worker/data/unit_reader.h"

#include <glog/logging.h>

#include <algorithm>
#include <exception>
#include <span>

#include "common/error.h"
#include "common/random.h"
#include "common/text.h"
#include "worker/data/seen_columns.h"

namespace zhiyin::worker::data {
namespace {

/// Distinguishes the shuffles of windows, and the draws of the augmenter, from other random numbers
/// of the seed.
constexpr uint64_t kWindows = 0x77696e646f77;
constexpr uint64_t kWindowAugments = 0x77617567;
/// Malformed records are ordered by their range, and by their place in it.
constexpr int64_t kMostOfRange = int64_t{1} << 42;
constexpr uint64_t kMostRangesRead = uint64_t{1} << 20;

void PutRange(const UnitRange& range, ByteWriter* out) {
  for (const FileCut& cut : {range.begin, range.end}) {
    out->Put<uint64_t>(cut.file);
    out->Put(cut.offset);
  }
}

UnitRange GetRange(ByteReader* in) {
  UnitRange range;
  for (FileCut* cut : {&range.begin, &range.end}) {
    cut->file = in->Get<uint64_t>();
    cut->offset = in->Get<int64_t>();
    if (cut->offset < 0) in->Refuse("a place before the beginning of a file");
  }
  return range;
}

}  // namespace

// Format: i64 the records that were read, SplitSummary; u64 n_ranges, for each i64 range, u64 file
// and i64 offset of its beginning and of its end; i64 n_batches.
void UnitFindings::Write(ByteWriter* out) const {
  out->Put(summary.n_rows + summary.n_bad);
  summary.Write(out);
  out->Put<uint64_t>(ranges.size());
  for (const Read& read : ranges) {
    out->Put(read.range);
    PutRange(read.ends, out);
  }
  out->Put(n_batches);
}

UnitFindings UnitFindings::Parse(ByteReader* in) {
  UnitFindings findings;
  const int64_t n_records = in->Get<int64_t>();
  if (n_records < 0 || n_records > RecordRuns::kMostRecords)
    in->Refuse("an impossible number of records");
  findings.summary = SplitSummary::Read(in, n_records);
  const uint64_t n_ranges = in->Get<uint64_t>();
  if (n_ranges > kMostRangesRead) in->Refuse("an impossible number of ranges");
  for (uint64_t i = 0; i < n_ranges; ++i) {
    Read read;
    read.range = in->Get<int64_t>();
    read.ends = GetRange(in);
    findings.ranges.push_back(read);
  }
  findings.n_batches = in->Get<int64_t>();
  if (findings.n_batches < 0 || findings.n_batches > findings.summary.n_rows)
    in->Refuse("an impossible number of batches");
  return findings;
}

UnitReader::UnitReader(std::unique_ptr<Source> source, std::vector<UnitRange> ranges,
                       const Settings& settings, Augmenter augmenter, Normalizer normalizer)
    : source_(std::move(source)),
      ranges_(std::move(ranges)),
      settings_(settings),
      augmenter_(std::move(augmenter)),
      normalizer_(std::move(normalizer)) {
  source_->SetTick([this] {
    queue_.NoteProgress();
    // The next bytes of a pipe may never come.
    if (queue_.IsClosed()) Fail("data.train is not read any more");
  });
  thread_ = std::thread([this] { Run(); });
}

UnitReader::~UnitReader() {
  queue_.Close();
  thread_.join();
}

void UnitReader::Order(int64_t range) {
  queue_.Order({0, {{range, 0, 0}}});
}

const Examples* UnitReader::Peek(const Tick& tick) {
  if (peeked_ == nullptr) peeked_ = &queue_.Pop(tick);
  // A range ends with a slice without examples.
  if (peeked_->n == 0) peeked_ = nullptr;
  return peeked_;
}

const Examples& UnitReader::NextSlice(const Tick&) {
  CHECK(peeked_ != nullptr) << "no batch was looked at";
  return *std::exchange(peeked_, nullptr);
}

void UnitReader::Run() {
  try {
    while (const SliceOrder* order = queue_.WaitForOrder()) {
      if (!ReadRange(order->pieces[0].run)) return;
      Examples* const end = queue_.WaitForSlot();
      if (end == nullptr) return;
      end->Clear();
      queue_.Push();
    }
  } catch (...) {
    queue_.Fail(std::current_exception());
  }
}

bool UnitReader::ReadRange(int64_t range) {
  SharedFiles* const files = source_->shared_files();
  const UnitRange& own = ranges_[static_cast<size_t>(range)];
  files->BeginShare(own.begin, own.end, /*points_every=*/0);
  Examples examples;
  std::vector<BadLine> bad;
  int64_t n_read = 1;  // the last time
  for (int64_t window = 0; n_read > 0; ++window) {
    while (n_window_ < settings_.window_examples) {
      n_read = files->ReadOn(kBlockRecords, &examples, &bad);
      if (n_read == 0) break;
      queue_.NoteProgress();
      if (queue_.IsClosed()) return false;
      Add(range, examples, &bad);
    }
    if (!GiveWindow(range, window)) return false;
  }
  const ShareEnds ends = files->EndShare().ends;
  findings_.ranges.push_back({range, {ends.begin, ends.end, own.is_plain}});
  return true;
}

void UnitReader::Add(int64_t range, const Examples& examples, std::vector<BadLine>* bad) {
  const UnitRange& own = ranges_[static_cast<size_t>(range)];
  for (BadLine& line : *bad) {
    if (line.is_relative && own.is_plain)
      line.where += TextOf(" behind byte ", own.begin.offset, ", line ");
    if (line.is_relative && !own.is_plain) line.number += own.begin.offset;
    line.is_relative = false;
    if (!settings_.allows_bad) Fail(line.Text(), " (data.max_bad_share allows no malformed line)");
    line.row += range * kMostOfRange;
    findings_.summary.AddBad(line);
  }
  findings_.summary.Add(examples);
  findings_.summary.joins.Merge(source_->joined());
  MergeSeen(source_->seen(), &findings_.summary.seen);
  if (examples.n == 0) return;
  n_window_ += examples.n;
  // A copy is just as large as it must be; what a source fills has grown in steps.
  window_.push_back(Examples(examples));
}

bool UnitReader::GiveWindow(int64_t range, int64_t number) {
  std::vector<uint64_t> order;
  for (size_t b = 0; b < window_.size(); ++b) {
    for (int64_t i = 0; i < window_[b].n; ++i)
      order.push_back(b * kMaxExamplesOfBlock + static_cast<uint64_t>(i));
  }
  const uint64_t of_range = static_cast<uint64_t>(range);
  const uint64_t of_window = static_cast<uint64_t>(number);
  Random(settings_.seed, of_range, of_window, kWindows).Shuffle(std::span(order));
  const int64_t n_batches = (n_window_ + settings_.batch_examples - 1) / settings_.batch_examples;
  for (int64_t b = 0; b < n_batches; ++b) {
    Examples* const batch = queue_.WaitForSlot();
    if (batch == nullptr) return false;
    batch->Clear();
    batch->n_fields = window_[0].n_fields;
    batch->n_numerics = window_[0].n_numerics;
    batch->n_tasks = window_[0].n_tasks;
    const int64_t end = n_window_ * (b + 1) / n_batches;
    for (int64_t i = n_window_ * b / n_batches; i < end; ++i) {
      const uint64_t at = order[static_cast<size_t>(i)];
      const Examples& block = window_[at / kMaxExamplesOfBlock];
      const int64_t row = static_cast<int64_t>(at % kMaxExamplesOfBlock);
      if (!augmenter_.IsActive()) {
        batch->Append(block, row);
        continue;
      }
      augmenter_.Append(block, row,
                        Random(settings_.seed, of_range, of_window, at, kWindowAugments), batch);
    }
    normalizer_.Apply(batch->numerics);
    ++findings_.n_batches;
    queue_.PushMore();
  }
  window_.clear();
  n_window_ = 0;
  return true;
}

}  // namespace zhiyin::worker::data
