#include "worker/data/slice_reader.h"

#include <glog/logging.h>

#include <exception>
#include <utility>

namespace zhiyin::worker::data {

SliceReader::SliceReader(std::unique_ptr<Source> source, uint64_t seed, int64_t max_kept_rows,
                         Augmenter augmenter)
    : cache_(std::move(source), seed, max_kept_rows, std::move(augmenter)) {}

SliceReader::~SliceReader() {
  queue_.Close();
  if (thread_.joinable()) thread_.join();
}

void SliceReader::Start(std::vector<BlockRun> runs, Normalizer normalizer, bool in_one_pass) {
  CHECK(!thread_.joinable());
  cache_.SetRuns(std::move(runs));
  normalizer_ = std::move(normalizer);
  in_one_pass_ = in_one_pass;
  cache_.SetTick([this] { queue_.NoteProgress(); });
  thread_ = std::thread([this] { Run(); });
}

void SliceReader::SetMaxKeptRows(int64_t n) {
  cache_.SetMaxKept(n);
}

void SliceReader::Order(int64_t epoch, std::vector<Piece> pieces) {
  queue_.Order({epoch, std::move(pieces)});
}

const Examples& SliceReader::Next(const Tick& tick) {
  return queue_.Pop(tick);
}

void SliceReader::Run() {
  try {
    while (const SliceOrder* order = queue_.WaitForOrder()) {
      if (!Fill(*order)) return;
      queue_.Push();
    }
  } catch (...) {
    queue_.Fail(std::current_exception());
  }
}

bool SliceReader::Fill(const SliceOrder& order) {
  for (const Piece& piece : order.pieces) {
    if (!Load(piece.run, order)) return false;
  }
  Examples* const slice = queue_.WaitForSlot();
  if (slice == nullptr) return false;
  slice->Clear();
  for (const Piece& piece : order.pieces) cache_.Append(order.epoch, piece, slice);
  normalizer_.Apply(slice->numerics);
  return true;
}

bool SliceReader::Load(int64_t run, const SliceOrder& order) {
  if (cache_.Use(run)) return true;
  std::vector<int64_t> spared;
  for (const Piece& piece : order.pieces) spared.push_back(piece.run);
  return cache_.Load(run, in_one_pass_ ? queue_.OrderedRuns() : std::vector<int64_t>(),
                     std::move(spared), [this] { return queue_.IsClosed(); });
}

}  // namespace zhiyin::worker::data
