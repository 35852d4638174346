#include "worker/train/block_delivery.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "common/bytes.h"
#include "common/error.h"
#include "worker/data/source.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kPartsName[] = "parts of blocks";
/// A frame of examples is sent when it has so many bytes.
constexpr size_t kFrameBytes = 4 << 20;

/// A delivery: worker after worker in a ring, so that each sends
/// to one and receives from one at a time.
class Delivery {
 public:
  Delivery(const DeliveredShares& shares, const std::function<std::vector<int64_t>(int)>& wanted,
           const std::function<void(int64_t, data::Examples)>& keep, Group* group)
      : shares_(shares),
        wanted_(wanted),
        keep_(keep),
        group_(group),
        n_workers_(static_cast<int>(shares.is_kept.size())),
        own_(group->worker()) {}

  void Run() {
    mine_ = BlocksFor(own_);
    for (int step = 1; step < n_workers_; ++step) {
      const int to = (own_ + step) % n_workers_;
      const int from = (own_ + n_workers_ - step) % n_workers_;
      SendTo(to);
      FromRank(group_->RankOfWorker(from), [&] { ReceiveFrom(from); });
      group_->SendHeartbeat();
    }
    for (const int64_t block : mine_) {
      if (const Part part = PartOf(own_, block); part.n > 0) Add(block, part, Take(part));
    }
    if (!parts_.empty())
      Fail(kPartsName, ": a part of block ", parts_.begin()->first, " is missing");
  }

 private:
  /// Consecutive records of a block that one worker has read.
  struct Part {
    int64_t first = 0;  // record, among those of all files
    int64_t n = 0;
  };

  /// Returns the records of a block.
  Part RecordsOf(int64_t block) const {
    const int64_t first = block * data::kBlockRecords;
    return {shares_.first_row + first,
            std::min(data::kBlockRecords, shares_.counts.n_records() - first)};
  }
  /// Returns the records of a block that a worker has read.
  Part PartOf(int worker, int64_t block) const {
    const Part all = RecordsOf(block);
    const size_t w = static_cast<size_t>(worker);
    const int64_t first = std::max(all.first, shares_.first_record[w]);
    return {first, std::min(all.first + all.n, shares_.first_record[w + 1]) - first};
  }
  /// Whether all who have read records of the block have kept them.
  bool IsKept(int64_t block) const {
    const Part all = RecordsOf(block);
    const auto& firsts = shares_.first_record;
    size_t w = static_cast<size_t>(std::upper_bound(firsts.begin(), firsts.end(), all.first) -
                                   firsts.begin() - 1);
    for (; w < shares_.is_kept.size() && firsts[w] < all.first + all.n; ++w) {
      if (firsts[w] < firsts[w + 1] && !shares_.is_kept[w]) return false;
    }
    return true;
  }
  /// Returns the blocks that a worker gets.
  std::vector<int64_t> BlocksFor(int worker) const {
    std::vector<int64_t> blocks;
    int64_t n_examples = 0;
    for (const int64_t block : wanted_(worker)) {
      n_examples += shares_.counts.ExamplesOf(block);
      if (n_examples > shares_.n_kept_max) break;
      if (IsKept(block)) blocks.push_back(block);
    }
    return blocks;
  }
  /// The first record of a part in this worker's share.
  int64_t InShare(const Part& part) const {
    return part.first - shares_.first_record[static_cast<size_t>(own_)];
  }
  data::Examples Copy(const Part& part) const { return shares_.own->Copy(InShare(part), part.n); }
  /// The parts of this worker itself come last: nobody else needs them then.
  data::Examples Take(const Part& part) { return shares_.own->Take(InShare(part), part.n); }

  // A frame: for each part, u8 1, i64 block, its examples; then u8 0 where more frames follow, and
  // 2 where none does.
  static constexpr uint8_t kMoreFollow = 0;
  static constexpr uint8_t kPart = 1;
  static constexpr uint8_t kEnd = 2;

  void SendTo(int worker) {
    ByteWriter out;
    for (const int64_t block : BlocksFor(worker)) {
      const Part part = PartOf(own_, block);
      if (part.n <= 0) continue;
      out.Put(kPart);
      out.Put(block);
      Copy(part).Write(&out);
      if (out.size() < kFrameBytes) continue;
      out.Put(kMoreFollow);
      group_->Send(worker, out.Take());
      out = ByteWriter();
    }
    out.Put(kEnd);
    group_->Send(worker, out.Take());
  }

  void ReceiveFrom(int worker) {
    auto next = mine_.begin();
    for (uint8_t what = kMoreFollow; what == kMoreFollow;) {
      const std::string bytes = group_->Receive(worker, "the examples that it has read");
      ByteReader in(bytes, kPartsName);
      for (what = in.Get<uint8_t>(); what == kPart; what = in.Get<uint8_t>()) {
        const int64_t block = in.Get<int64_t>();
        while (next != mine_.end() && PartOf(worker, *next).n <= 0) ++next;
        if (next == mine_.end() || block != *next) in.Refuse("of a block that is not awaited");
        Add(block, PartOf(worker, block),
            data::Examples::Read(shares_.job.field_size(), shares_.job.numeric_size(),
                                 shares_.job.task_size(), &in));
        ++next;
      }
      if (!in.AtEnd()) in.Refuse("not the last");
    }
  }

  /// Takes a part of a block, and keeps the block once it is whole.
  void Add(int64_t block, const Part& part, data::Examples examples) {
    Incomplete& here = parts_[block];
    here.n_records += part.n;
    here.parts.emplace(part.first, std::move(examples));
    if (here.n_records < RecordsOf(block).n) return;
    auto part_at = here.parts.begin();
    data::Examples whole = std::move(part_at->second);
    while (++part_at != here.parts.end()) whole.Append(part_at->second, 0, part_at->second.n);
    if (whole.n != shares_.counts.ExamplesOf(block))
      Fail(kPartsName, ": block ", block, " has ", whole.n, " examples, expected ",
           shares_.counts.ExamplesOf(block));
    parts_.erase(block);
    keep_(block, std::move(whole));
  }

  struct Incomplete {
    int64_t n_records = 0;
    std::map<int64_t, data::Examples> parts;  // by their first record
  };

  const DeliveredShares& shares_;
  const std::function<std::vector<int64_t>(int)>& wanted_;
  const std::function<void(int64_t, data::Examples)>& keep_;
  Group* group_;
  const int n_workers_;
  const int own_;
  std::vector<int64_t> mine_;
  std::map<int64_t, Incomplete> parts_;
};

}  // namespace

void DeliverBlocks(const DeliveredShares& shares,
                   const std::function<std::vector<int64_t>(int worker)>& wanted,
                   const std::function<void(int64_t block, data::Examples examples)>& keep,
                   Group* group) {
  Delivery(shares, wanted, keep, group).Run();
}

}  // namespace zhiyin::worker::train
