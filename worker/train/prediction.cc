#include "worker/train/prediction.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <span>

#include "common/bytes.h"
#include "common/error.h"
#include "common/file.h"
#include "worker/data/seen_columns.h"
#include "worker/train/data_pass.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kBlocksName[] = "predictions of a worker";

/// Predicts the blocks that a worker is fed.
class BlockPredictor {
 public:
  BlockPredictor(const data::Normalizer& normalizer, BlockFeed* feed, Scorer* scorer)
      : normalizer_(normalizer), feed_(feed), scorer_(scorer) {
    scorer->Begin();
  }

  /// Returns the blocks of the next round by number. Collective over all workers.
  std::map<int64_t, PredictedBlocks::Block> Next() {
    std::map<int64_t, PredictedBlocks::Block> predicted;
    feed_->BeginRound();
    while (const BlockFeed::Block* block = feed_->Next()) {
      PredictedBlocks::Block& here = predicted[block->number];
      here.n_rows = block->n_rows;
      here.bad = block->bad;
      if (block->rows.n == 0) continue;
      scorer_->Start(block->number, block->rows, normalizer_);
      if (scorer_->n_started() == 2) Finish(&predicted);
    }
    while (scorer_->n_started() > 0) Finish(&predicted);
    return predicted;
  }

 private:
  void Finish(std::map<int64_t, PredictedBlocks::Block>* predicted) {
    const Scorer::Scored& scored = scorer_->Finish();
    (*predicted)[scored.block].predictions = scored.predictions;
    feed_->AddUnpredicted(scored.block, scored.unpredicted);
  }

  const data::Normalizer& normalizer_;
  BlockFeed* feed_;
  Scorer* scorer_;
};

/// Throws Error unless the blocks of all workers begin behind the first `n_rows` rows of the split
/// and follow each other: where the files of a worker are shorter, one is missing or not full.
/// Returns the number of rows up to their end.
int64_t CheckFollow(const PredictedBlocks& blocks, int64_t n_rows, int n_workers,
                    const Group& group) {
  const auto rank = [&](int64_t block) {
    return group.RankOfWorker(static_cast<int>(block % n_workers));
  };
  for (const auto& [number, block] : blocks.blocks()) {
    const int64_t next = n_rows / data::kBlockRecords;
    if (number != next || n_rows % data::kBlockRecords != 0) {
      Fail("data.test: rank ", rank(next), " finds no row ", n_rows, " in its files, but rank ",
           rank(number), " finds row ", static_cast<uint64_t>(number) * data::kBlockRecords,
           ", expected equal files on all hosts");
    }
    n_rows += block.n_rows;
  }
  return n_rows;
}

}  // namespace

void PredictedBlocks::Add(int64_t number, Block block) {
  const int64_t n_bad = static_cast<int64_t>(block.bad.size());
  bool fits = number >= 0 && block.n_rows > 0 && block.n_rows <= data::kBlockRecords &&
              n_bad <= block.n_rows &&
              block.predictions.size() == static_cast<size_t>(block.n_rows - n_bad) * n_tasks_;
  for (size_t i = 0; i < block.bad.size(); ++i) {
    fits = fits && block.bad[i] >= 0 && block.bad[i] < block.n_rows &&
           (i == 0 || block.bad[i] > block.bad[i - 1]);
  }
  if (!fits) {
    Fail(kBlocksName, ": block ", number, " of ", block.n_rows, " rows has ", n_bad,
         " malformed ones and ", block.predictions.size(), " predictions, expected those of ",
         n_tasks_, " tasks");
  }
  for (const float p : block.predictions) {
    if (std::isinf(p))
      Fail(kBlocksName, ": block ", number, ": a prediction is ", p, ", expected a finite number");
  }
  if (!blocks_.emplace(number, std::move(block)).second)
    Fail(kBlocksName, ": block ", number, " came twice");
}

std::string PredictedBlocks::Serialize() const {
  ByteWriter out;
  out.Put<uint64_t>(blocks_.size());
  for (const auto& [number, block] : blocks_) {
    out.Put(number);
    out.Put(block.n_rows);
    out.PutArray<int64_t>(block.bad);
    out.PutArray<float>(block.predictions);
  }
  return out.Take();
}

void PredictedBlocks::Merge(std::string_view bytes) {
  ByteReader in(bytes, kBlocksName);
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    const int64_t number = in.Get<int64_t>();
    Block block;
    block.n_rows = in.Get<int64_t>();
    block.bad = in.GetArray<int64_t>();
    block.predictions = in.GetArray<float>();
    Add(number, std::move(block));
  }
  if (!in.AtEnd()) Fail(kBlocksName, ": bytes behind the last block");
}

std::string PredictedBlocks::Lines() const {
  std::string text;
  char number[32];
  for (const auto& [block_number, block] : blocks_) {
    const float* next = block.predictions.data();
    auto bad = block.bad.begin();
    for (int64_t row = 0; row < block.n_rows; ++row) {
      text += std::to_string(static_cast<uint64_t>(block_number) * data::kBlockRecords +
                             static_cast<uint64_t>(row));
      const bool is_bad = bad != block.bad.end() && *bad == row;
      if (is_bad) ++bad;
      for (size_t t = 0; t < n_tasks_; ++t) {
        text += '\t';
        if (is_bad) continue;
        const float prediction = *next++;
        // As many digits as tell the number apart from all others.
        if (!std::isnan(prediction))
          text.append(number, std::to_chars(number, number + sizeof(number), prediction).ptr);
      }
      text += '\n';
    }
  }
  return text;
}

PredictionCounts WritePredictions(const std::string& path, const data::Normalizer& normalizer,
                                  const Job& job, const model::TaskHeads& heads, BlockFeed* feed,
                                  Scorer* scorer, int n_workers, Group* group) {
  const size_t n_tasks = static_cast<size_t>(heads.n_tasks());
  const std::string unfinished = path + ".unfinished";
  std::unique_ptr<FileWriter> file;
  const auto write = [&](std::string_view text) { file->Write(std::as_bytes(std::span(text))); };
  if (group->IsChief()) {
    file = std::make_unique<FileWriter>(unfinished);
    std::string header = "row";
    for (int t = 0; t < heads.n_tasks(); ++t) header += "\t" + heads.name(t);
    write(header + "\n");
  }
  PredictionCounts counts;
  BlockPredictor predictor(normalizer, feed, scorer);
  bool more = true;
  while (more) {
    PredictedBlocks own(n_tasks);
    for (auto& [number, predicted] : predictor.Next()) own.Add(number, std::move(predicted));
    const std::vector<std::string> all = group->Gather(own.Serialize(), "its predictions");
    if (group->IsChief()) {
      for (size_t w = 1; w < all.size(); ++w)
        FromRank(group->RankOfWorker(static_cast<int>(w)), [&] { own.Merge(all[w]); });
      group->SendHeartbeat();
      counts.n_rows = CheckFollow(own, counts.n_rows, n_workers, *group);
      write(own.Lines());
      more = own.blocks().size() == static_cast<size_t>(kBlocksAtATime * n_workers);
      for (const auto& [number, predicted] : own.blocks())
        counts.n_bad += static_cast<int64_t>(predicted.bad.size());
    }
    more = group->Broadcast(more ? "more" : "", "word to go on") == "more";
  }
  feed->Finish(counts.n_rows);
  counts.unpredicted = GatherUnpredicted(feed->unpredicted(), group);
  counts.joins = GatherJoined(feed->joined(), job, group);
  counts.seen = GatherSeen(feed->seen(), group);
  if (!group->IsChief()) return counts;
  if (counts.n_rows == counts.n_bad) counts.seen.clear();  // nothing says what records have
  data::CheckSeen(job, data::SplitKind::kTestFiles, data::LabelUse::kIgnored, counts.seen);
  group->WaitForDisk([&] { file->CommitAs(path); });
  return counts;
}

}  // namespace zhiyin::worker::train
