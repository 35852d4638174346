#include "ps/admission.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "common/error.h"
#include "common/partitioner.h"

namespace zhiyin::ps {
namespace {

/// An equal part of a whole for every virtual shard, at least 1.
uint32_t ShardPart(int64_t whole) {
  return static_cast<uint32_t>(std::max<int64_t>((whole + kNumShards - 1) / kNumShards, 1));
}

/// The bits of a key's placement below those that choose its shard, scaled to [0, n).
uint32_t PlaceWithin(uint64_t placement, uint32_t n) {
  return static_cast<uint32_t>((((placement >> 20) & 0xffffffff) * n) >> 32);
}

/// An array for each virtual shard, made when it is first needed.
template <typename T>
class ShardArrays {
 public:
  explicit ShardArrays(uint32_t length) : length_(length), arrays_(kNumShards) {}

  uint32_t length() const { return length_; }
  int64_t n_bytes() const { return n_bytes_; }
  T* Get(int shard) {
    std::vector<T>& array = arrays_[static_cast<size_t>(shard)];
    if (array.empty()) {
      array.resize(length_);
      n_bytes_ += static_cast<int64_t>(length_ * sizeof(T));
    }
    return array.data();
  }
  std::string Save(int shard) const {
    const std::vector<T>& array = arrays_[static_cast<size_t>(shard)];
    return {reinterpret_cast<const char*>(array.data()), array.size() * sizeof(T)};
  }
  void Load(int shard, std::string_view bytes) {
    if (bytes.size() != length_ * sizeof(T)) {
      Fail("sightings of keys: ", bytes.size(), " bytes in a shard, expected ", length_ * sizeof(T),
           ": they were saved with another table.admission");
    }
    std::memcpy(Get(shard), bytes.data(), bytes.size());
  }

 private:
  uint32_t length_;
  std::vector<std::vector<T>> arrays_;
  int64_t n_bytes_ = static_cast<int64_t>(kNumShards * sizeof(std::vector<T>));
};

/// Candidates in buckets of four, a cache line: a key is in its own bucket or nowhere. A full bucket forgets
/// the candidate with the fewest sightings, of those the one seen longest ago.
class ExactCounts final : public SightingCounts {
 public:
  ExactCounts(const zhiyin::Admission::Exact& config, TableId table)
      : table_(table),
        n_buckets_(ShardPart((config.max_candidates() + 3) / 4)),
        candidates_(4 * n_buckets_) {}

  uint32_t Sight(Key key, uint64_t step) override {
    const uint64_t placement = PlacementBits(table_, key);
    Candidate* bucket = candidates_.Get(ShardOf(table_, key)) + 4 * PlaceWithin(placement, n_buckets_);
    Candidate* const end = bucket + 4;
    Candidate* at = std::find_if(bucket, end, [&](const Candidate& c) { return c.n > 0 && c.key == key; });
    if (at == end) {
      at = std::min_element(bucket, end, [](const Candidate& a, const Candidate& b) {
        return a.n != b.n ? a.n < b.n : a.last_step < b.last_step;
      });
      *at = {key, 0, 0};
    }
    at->last_step = static_cast<uint32_t>(step);
    return ++at->n;
  }

  int64_t n_bytes() const override { return candidates_.n_bytes(); }
  std::string SaveShard(int shard) const override { return candidates_.Save(shard); }
  void LoadShard(int shard, std::string_view bytes) override { candidates_.Load(shard, bytes); }

 private:
  struct Candidate {
    Key key = 0;
    uint32_t n = 0;  // 0: nobody
    uint32_t last_step = 0;
  };
  static_assert(sizeof(Candidate) == 16);

  TableId table_;
  uint32_t n_buckets_;
  ShardArrays<Candidate> candidates_;
};

class CountingBloom final : public SightingCounts {
 public:
  CountingBloom(const zhiyin::Admission::CountingBloom& config, TableId table)
      : table_(table), counters_(ShardPart(config.bytes())), n_sighted_(kNumShards) {}

  uint32_t Sight(Key key, uint64_t) override {
    const int shard = ShardOf(table_, key);
    uint8_t* counters = counters_.Get(shard);
    std::array<uint32_t, 4> at;
    uint64_t bits = Mix(PlacementBits(table_, key));
    for (uint32_t& place : at) {
      place = PlaceWithin(bits, counters_.length());
      bits = Mix(bits + 1);
    }
    uint8_t least = 255;
    for (const uint32_t place : at) least = std::min(least, counters[place]);
    for (const uint32_t place : at) {
      if (counters[place] == least && least < 255) counters[place] = static_cast<uint8_t>(least + 1);
    }
    if (++n_sighted_[static_cast<size_t>(shard)] >= counters_.length()) Halve(shard);
    return least + 1u;
  }

  int64_t n_bytes() const override { return counters_.n_bytes(); }
  std::string SaveShard(int shard) const override { return counters_.Save(shard); }
  void LoadShard(int shard, std::string_view bytes) override { counters_.Load(shard, bytes); }

 private:
  void Halve(int shard) {
    uint8_t* counters = counters_.Get(shard);
    for (uint32_t i = 0; i < counters_.length(); ++i) counters[i] /= 2;
    n_sighted_[static_cast<size_t>(shard)] = 0;
  }

  TableId table_;
  ShardArrays<uint8_t> counters_;
  std::vector<uint32_t> n_sighted_;  // [shard], since the counters were halved
};

}  // namespace

std::unique_ptr<SightingCounts> MakeExactCounts(const zhiyin::Admission::Exact& config, TableId table) {
  return std::make_unique<ExactCounts>(config, table);
}

std::unique_ptr<SightingCounts> MakeCountingBloom(const zhiyin::Admission::CountingBloom& config,
                                                  TableId table) {
  return std::make_unique<CountingBloom>(config, table);
}

Admission::Admission(const zhiyin::Admission& config, TableId table, uint64_t seed)
    : config_(config), seed_(Mix(seed + Mix(table + 0x61646d6974ull))) {
  if (config.has_exact() && config.exact().sightings() > 1) {
    sightings_ = static_cast<uint32_t>(config.exact().sightings());
    counts_ = MakeExactCounts(config.exact(), table);
  } else if (config.has_counting_bloom() && config.counting_bloom().sightings() > 1) {
    sightings_ = static_cast<uint32_t>(config.counting_bloom().sightings());
    counts_ = MakeCountingBloom(config.counting_bloom(), table);
  }
}

bool Admission::Admit(Key key, uint64_t step) {
  if (config_.kind_case() == zhiyin::Admission::kProbability) {
    const double draw = static_cast<double>(Mix(Mix(key ^ seed_) + step) >> 11) * 0x1p-53;
    return draw < config_.probability();
  }
  if (!counts_) return true;
  if (step != step_) {
    refused_.Clear();
    step_ = step;
  }
  const size_t n_refused = refused_.size();
  if (refused_.Insert(key) < n_refused) return false;  // this step has asked before
  return counts_->Sight(key, step) >= sightings_;
}

void Admission::LoadShard(int shard, std::string_view bytes) {
  if (counts_ && !bytes.empty()) counts_->LoadShard(shard, bytes);
}

}  // namespace zhiyin::ps
