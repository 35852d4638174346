#include "worker/train/block_feed.h"

#include <glog/logging.h>

#include <deque>
#include <string>
#include <utility>

#include "common/bytes.h"
#include "common/error.h"
#include "worker/data/seen_columns.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kDealtName[] = "blocks to predict";
/// Malformed rows that are written to the log; all are counted.
constexpr int64_t kBadRowsShown = 10;

class FileFeed : public BlockFeed {
 public:
  FileFeed(const Job& job, const data::Normalizer& normalizer, data::Source* source, int n_workers,
           Group* group)
      : job_(job),
        normalizer_(normalizer),
        source_(source),
        n_workers_(n_workers),
        group_(group),
        next_(group->worker()) {}

  void BeginRound() override { n_of_round_ = 0; }

  const Block* Next() override {
    if (n_of_round_ == kBlocksAtATime) return nullptr;
    group_->SendHeartbeat();
    if (!Read(source_, next_, &block_)) return nullptr;
    ++n_of_round_;
    next_ += n_workers_;
    return &block_;
  }

  void AddUnpredicted(int64_t block, const std::vector<int64_t>& positions) override {
    unpredicted_.Add(block, positions);
  }

  void Finish(int64_t n_rows) override {
    CheckEnds(n_rows);
    unpredicted_.Name(job_, normalizer_, source_, [this] { group_->SendHeartbeat(); });
  }

  const data::Unpredicted& unpredicted() const override { return unpredicted_; }

 private:
  void CheckEnds(int64_t n_rows) {
    ByteWriter own;
    own.Put(source_->CountLines().value_or(-1));
    const std::vector<std::string> all = group_->Gather(own.Take(), "its number of rows");
    for (size_t w = 0; w < all.size(); ++w) {
      const int rank = group_->RankOfWorker(static_cast<int>(w));
      const int64_t n = FromRank(rank, [&] {
        ByteReader in(all[w], "a number of rows");
        const int64_t told = in.Get<int64_t>();
        if (!in.AtEnd()) in.Refuse("not the last");
        return told;
      });
      if (n != n_rows && n >= 0) {
        Fail("data.test: rank ", rank, " finds ", n,
             " rows in its files, but all ranks together find ", n_rows,
             ", expected equal files on all hosts");
      }
    }
  }

  const Job& job_;
  const data::Normalizer& normalizer_;
  data::Source* source_;
  int64_t n_workers_;
  Group* group_;
  int64_t next_;  // block
  int64_t n_of_round_ = 0;
  Block block_;
  data::Unpredicted unpredicted_;
};

/// A round of a worker is a message: u64 number of blocks; for each i64 number, i64 n_rows, the
/// positions of malformed lines, the examples, and for each of them the string where it stands.
class PipeFeed : public BlockFeed {
 public:
  PipeFeed(const Job& job, const data::Normalizer& normalizer, data::Source* source, int n_workers,
           Group* group)
      : job_(job), normalizer_(normalizer), source_(source), n_workers_(n_workers), group_(group) {}

  void BeginRound() override {
    round_.clear();
    n_given_ = 0;
    if (group_->IsChief()) {
      Deal();
    } else {
      const std::string dealt = group_->Receive(0, kDealtName);
      FromRank(group_->RankOfWorker(0), [&] { Take(dealt); });
    }
  }

  const Block* Next() override {
    group_->SendHeartbeat();
    return n_given_ == round_.size() ? nullptr : &round_[n_given_++].block;
  }

  void AddUnpredicted(int64_t block, const std::vector<int64_t>& positions) override {
    size_t first = unpredicted_.first.size();
    unpredicted_.Add(block, positions);
    for (const Dealt& dealt : round_) {
      if (dealt.block.number != block) continue;
      for (; first < unpredicted_.first.size(); ++first) {
        data::Unpredicted::Example& example = unpredicted_.first[first];
        example.name = dealt.places[static_cast<size_t>(example.position)] + ": " +
                       data::DescribeExtreme(job_, normalizer_, dealt.block.rows, example.position);
      }
    }
  }

  void Finish(int64_t) override {}

  const data::Unpredicted& unpredicted() const override { return unpredicted_; }

 private:
  struct Dealt {
    Block block;
    std::vector<std::string> places;  // [examples]
  };

  /// At the chief: reads a round of all workers.
  void Deal() {
    std::vector<ByteWriter> blocks(static_cast<size_t>(n_workers_));
    std::vector<uint64_t> n_blocks(blocks.size());
    for (int64_t i = 0; i < kBlocksAtATime * n_workers_ && !at_end_; ++i) {
      group_->SendHeartbeat();
      Dealt dealt;
      at_end_ = !Read(source_, next_, &dealt.block);
      if (at_end_) break;
      for (int64_t e = 0; e < dealt.block.rows.n; ++e) dealt.places.push_back(source_->PlaceOf(e));
      const size_t worker = static_cast<size_t>(next_++ % n_workers_);
      if (worker == 0) {
        round_.push_back(std::move(dealt));
      } else {
        Write(dealt, &blocks[worker]);
        ++n_blocks[worker];
      }
    }
    for (int w = 1; w < n_workers_; ++w) {
      ByteWriter out;
      out.Put(n_blocks[static_cast<size_t>(w)]);
      out.PutString(blocks[static_cast<size_t>(w)].Take());
      group_->Send(w, out.Take());
    }
  }

  static void Write(const Dealt& dealt, ByteWriter* out) {
    out->Put(dealt.block.number);
    out->Put(dealt.block.n_rows);
    out->PutArray<int64_t>(dealt.block.bad);
    dealt.block.rows.Write(out);
    for (const std::string& place : dealt.places) out->PutString(place);
  }

  /// Elsewhere: takes the round that the chief has sent.
  void Take(const std::string& bytes) {
    ByteReader message(bytes, kDealtName);
    const uint64_t n = message.Get<uint64_t>();
    const std::string blocks = message.GetString();
    if (!message.AtEnd()) message.Refuse("not the last");
    ByteReader in(blocks, kDealtName);
    if (n > kBlocksAtATime) in.Refuse("more blocks than a round has");
    for (uint64_t i = 0; i < n; ++i) {
      Dealt& dealt = round_.emplace_back();
      dealt.block.number = in.Get<int64_t>();
      dealt.block.n_rows = in.Get<int64_t>();
      dealt.block.bad = in.GetArray<int64_t>();
      dealt.block.rows =
          data::Examples::Read(job_.field_size(), job_.numeric_size(), job_.task_size(), &in);
      for (int64_t e = 0; e < dealt.block.rows.n; ++e) dealt.places.push_back(in.GetString());
    }
    if (!in.AtEnd()) in.Refuse("not the last");
  }

  const Job& job_;
  const data::Normalizer& normalizer_;
  data::Source* source_;
  int64_t n_workers_;
  Group* group_;
  int64_t next_ = 0;  // block, at the chief
  bool at_end_ = false;
  std::deque<Dealt> round_;
  size_t n_given_ = 0;
  data::Unpredicted unpredicted_;
};

}  // namespace

bool BlockFeed::Read(data::Source* source, int64_t number, Block* block) {
  block->number = number;
  block->bad.clear();
  block->n_rows = source->Read(number, &block->rows, &bad_lines_);
  if (block->n_rows == 0) return false;
  joined_.Merge(source->joined());
  data::MergeSeen(source->seen(), &seen_);
  for (const data::BadLine& line : bad_lines_) {
    block->bad.push_back(line.row - number * data::kBlockRecords);
    if (n_shown_++ < kBadRowsShown) LOG(WARNING) << "malformed line: " << line.Text();
  }
  return true;
}

std::unique_ptr<BlockFeed> MakeFileFeed(const Job& job, const data::Normalizer& normalizer,
                                        data::Source* source, int n_workers, Group* group) {
  return std::make_unique<FileFeed>(job, normalizer, source, n_workers, group);
}

std::unique_ptr<BlockFeed> MakePipeFeed(const Job& job, const data::Normalizer& normalizer,
                                        data::Source* source, int n_workers, Group* group) {
  return std::make_unique<PipeFeed>(job, normalizer, source, n_workers, group);
}

}  // namespace zhiyin::worker::train
