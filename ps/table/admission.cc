#include "ps/table/admission.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "common/error.h"
#include "ps/partitioner.h"

namespace zhiyin::ps::table {
namespace {

/// An equal part of a whole for every virtual shard, at least 1.
uint32_t ShardPart(int64_t whole) {
  return static_cast<uint32_t>(std::max<int64_t>((whole + kNumShards - 1) / kNumShards, 1));
}

/// The bits of a key's placement below those that choose its shard, scaled to [0, n).
uint32_t PlaceWithin(uint64_t placement, uint32_t n) {
  return static_cast<uint32_t>((((placement >> 20) & 0xffffffff) * n) >> 32);
}

/// Candidates in buckets of four, a cache line: a key is in its own bucket or nowhere. A full
/// bucket forgets the candidate with the fewest sightings, of those the one seen longest ago.
class ExactCounts final : public OccurrenceCounts {
 public:
  ExactCounts(const zhiyin::Admission::Exact& config, TableId table)
      : config_(config),
        table_(table),
        n_buckets_(ShardPart((config.max_candidates() + 3) / 4)),
        candidates_(4 * n_buckets_) {}

  uint32_t NumSighted(Key key, uint64_t step) override {
    const int shard = ShardOf(table_, key);
    if (candidates_.Peek(shard) == nullptr) return 0;
    const Candidate* bucket = BucketOf(key, shard);
    const Candidate* at = Find(bucket, key);
    if (at == bucket + 4) return 0;
    return at->n - (at->last_step == static_cast<uint32_t>(step) ? 1 : 0);
  }

  void Sight(Key key, uint64_t step) override {
    Candidate* bucket = BucketOf(key, ShardOf(table_, key));
    Candidate* const end = bucket + 4;
    Candidate* at = bucket + (Find(bucket, key) - bucket);
    if (at == end) {
      at = std::min_element(bucket, end, [](const Candidate& a, const Candidate& b) {
        return a.n != b.n ? a.n < b.n : a.last_step < b.last_step;
      });
      *at = {key, 0, 0};
    } else if (at->last_step == static_cast<uint32_t>(step)) {
      return;
    }
    at->last_step = std::max(at->last_step, static_cast<uint32_t>(step));
    at->n = std::min(at->n + 1, static_cast<uint32_t>(config_.sightings()));
  }

  void Forget(Key key, uint64_t) override {
    const int shard = ShardOf(table_, key);
    if (candidates_.Peek(shard) == nullptr) return;
    Candidate* bucket = BucketOf(key, shard);
    Candidate* at = bucket + (Find(bucket, key) - bucket);
    if (at != bucket + 4) *at = {0, 0, 0};
  }

  int64_t n_bytes() const override { return candidates_.n_bytes(); }
  int64_t MostBytes() const override { return candidates_.MostBytes(); }
  std::string Text() const override {
    return "exact { sightings: " + std::to_string(config_.sightings()) +
           " max_candidates: " + std::to_string(config_.max_candidates()) + " }";
  }
  std::string SaveShard(int shard) const override { return candidates_.Save(shard); }
  void LoadShard(int shard, std::string_view bytes, ShardCoding coding) override {
    candidates_.Load(shard, bytes, coding);
  }

 private:
  struct Candidate {
    Key key = 0;
    uint32_t n = 0;  // 0: nobody
    uint32_t last_step = 0;
  };
  static_assert(sizeof(Candidate) == 16);

  Candidate* BucketOf(Key key, int shard) {
    return candidates_.Get(shard) + 4 * PlaceWithin(PlacementBits(table_, key), n_buckets_);
  }
  static const Candidate* Find(const Candidate* bucket, Key key) {
    return std::find_if(bucket, bucket + 4,
                        [&](const Candidate& c) { return c.n > 0 && c.key == key; });
  }

  zhiyin::Admission::Exact config_;
  TableId table_;
  uint32_t n_buckets_;
  ShardArrays<Candidate> candidates_;
};

class CountingBloom final : public OccurrenceCounts {
 public:
  CountingBloom(const zhiyin::Admission::CountingBloom& config, TableId table)
      : config_(config),
        table_(table),
        counters_(ShardPart(config.bytes())),
        n_sighted_(kNumShards) {}

  uint32_t NumSighted(Key key, uint64_t) override {
    const uint8_t* counters = counters_.Peek(ShardOf(table_, key));
    return counters == nullptr ? 0 : Least(counters, PlacesOf(key));
  }

  void Sight(Key key, uint64_t) override {
    const int shard = ShardOf(table_, key);
    uint8_t* counters = counters_.Get(shard);
    const Places places = PlacesOf(key);
    const uint8_t least = Least(counters, places);
    for (const uint32_t place : places) {
      if (counters[place] == least && least < 255)
        counters[place] = static_cast<uint8_t>(least + 1);
    }
    if (++n_sighted_[static_cast<size_t>(shard)] >= counters_.length()) Halve(shard);
  }

  /// Others share its counters: they keep what they have.
  void Forget(Key key, uint64_t step) override { Sight(key, step); }

  int64_t n_bytes() const override {
    return counters_.n_bytes() + static_cast<int64_t>(n_sighted_.capacity() * sizeof(uint32_t));
  }
  int64_t MostBytes() const override { return counters_.MostBytes(); }
  std::string Text() const override {
    return "counting_bloom { sightings: " + std::to_string(config_.sightings()) +
           " bytes: " + std::to_string(config_.bytes()) + " }";
  }
  /// u32 sightings since the counters were halved, the counters.
  std::string SaveShard(int shard) const override {
    const uint32_t n = n_sighted_[static_cast<size_t>(shard)];
    const std::string counters = counters_.Save(shard);
    if (n == 0 && counters.empty()) return "";
    return std::string(reinterpret_cast<const char*>(&n), sizeof(n)) + counters;
  }
  void LoadShard(int shard, std::string_view bytes, ShardCoding coding) override {
    uint32_t n = 0;
    if (bytes.size() < sizeof(n))
      Fail("sightings of shard ", shard, ": ", bytes.size(), " bytes, expected at least ",
           sizeof(n));
    std::memcpy(&n, bytes.data(), sizeof(n));
    counters_.Load(shard, bytes.substr(sizeof(n)), coding);
    n_sighted_[static_cast<size_t>(shard)] = n;
  }

 private:
  using Places = std::array<uint32_t, 4>;

  Places PlacesOf(Key key) const {
    Places places;
    uint64_t bits = Mix(PlacementBits(table_, key));
    for (uint32_t& place : places) {
      place = PlaceWithin(bits, counters_.length());
      bits = Mix(bits + 1);
    }
    return places;
  }
  static uint8_t Least(const uint8_t* counters, const Places& places) {
    uint8_t least = 255;
    for (const uint32_t place : places) least = std::min(least, counters[place]);
    return least;
  }
  void Halve(int shard) {
    uint8_t* counters = counters_.Get(shard);
    for (uint32_t i = 0; i < counters_.length(); ++i) counters[i] /= 2;
    n_sighted_[static_cast<size_t>(shard)] = 0;
  }

  zhiyin::Admission::CountingBloom config_;
  TableId table_;
  ShardArrays<uint8_t> counters_;
  std::vector<uint32_t> n_sighted_;  // [shard], since the counters were halved
};

}  // namespace

std::unique_ptr<OccurrenceCounts> MakeExactCounts(const zhiyin::Admission::Exact& config,
                                                  TableId table) {
  return std::make_unique<ExactCounts>(config, table);
}

std::unique_ptr<OccurrenceCounts> MakeCountingBloom(const zhiyin::Admission::CountingBloom& config,
                                                    TableId table) {
  return std::make_unique<CountingBloom>(config, table);
}

void FillAdmission(zhiyin::Admission* config) {
  constexpr int64_t kDefaultSize = int64_t{1} << 24;
  if (config->has_exact() && !config->exact().has_max_candidates())
    config->mutable_exact()->set_max_candidates(kDefaultSize);
  if (config->has_counting_bloom() && !config->counting_bloom().has_bytes())
    config->mutable_counting_bloom()->set_bytes(kDefaultSize);
}

void CheckAdmission(const config::Checker& check, const config::ConfigPath& path,
                    const zhiyin::Admission& config) {
  constexpr int64_t kMaxBloomCount = 255;  // a counter has 8 bits
  switch (config.kind_case()) {
    case zhiyin::Admission::KIND_NOT_SET:
      return;
    case zhiyin::Admission::kExact:
      check.CheckRange(path("exact")("sightings"), config.exact().sightings(), int64_t{1},
                       int64_t{1} << 31);
      check.CheckRange(path("exact")("max_candidates"), config.exact().max_candidates(), int64_t{1},
                       int64_t{1} << 40);
      return;
    case zhiyin::Admission::kCountingBloom:
      check.CheckRange(path("counting_bloom")("sightings"), config.counting_bloom().sightings(),
                       int64_t{1}, kMaxBloomCount);
      check.CheckRange(path("counting_bloom")("bytes"), config.counting_bloom().bytes(), int64_t{1},
                       int64_t{1} << 43);
      // The first occurrence needs no counter.
      if (config.counting_bloom().sightings() > 1 &&
          config.counting_bloom().bytes() < kNumShards * config.counting_bloom().sightings()) {
        check.Fail(path("counting_bloom")("bytes"), "is ", config.counting_bloom().bytes(),
                   ", expected at least ", kNumShards, " * sightings, ",
                   kNumShards * config.counting_bloom().sightings(),
                   ": the counters are halved before any key has so many occurrences");
      }
      return;
    case zhiyin::Admission::kProbability:
      check.CheckRange(path("probability"), config.probability(), 0.0, 1.0);
      return;
  }
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

void Admission::Open(uint64_t step, const HasRow& has_row) {
  step_ = step;
  if (!counts_) return;
  const size_t n_more = open_.contains(step) ? 0 : 1;
  while (IsTooMany(open_.size() + n_more) && open_.begin()->first != step)
    Close(open_.begin(), has_row);
  auto at = open_.find(step);
  if (at == open_.end()) {
    at = open_.emplace(step, spare_.empty() ? UniqueKeys() : std::move(spare_.back())).first;
    spare_.clear();
  }
  asking_ = &at->second;
}

bool Admission::Admit(Key key) {
  if (config_.kind_case() == zhiyin::Admission::kProbability) {
    const double draw = static_cast<double>(Mix(Mix(key ^ seed_) + step_) >> 11) * 0x1p-53;
    return draw < config_.probability();
  }
  if (!counts_) return true;
  asking_->Insert(key);
  uint32_t n = counts_->NumSighted(key, step_);
  for (const auto& [step, keys] : open_) n += keys.Contains(key);
  return n >= sightings_;
}

void Admission::CloseBefore(uint64_t step, const HasRow& has_row) {
  while (!open_.empty() && open_.begin()->first < step) Close(open_.begin(), has_row);
}

void Admission::Close(OpenSteps::iterator at, const HasRow& has_row) {
  sorted_.assign(at->second.keys().begin(), at->second.keys().end());
  std::sort(sorted_.begin(), sorted_.end());
  for (const Key key : sorted_) {
    if (has_row(key)) {
      counts_->Forget(key, at->first);
    } else {
      counts_->Sight(key, at->first);
    }
  }
  if (spare_.empty()) {
    spare_.push_back(std::move(at->second));
    spare_.back().Clear();
  }
  open_.erase(at);
}

bool Admission::IsTooMany(size_t n_steps) const {
  return n_steps > kMaxOpenSteps || (n_steps > 1 && NumOpenKeys() > kMaxOpenKeys);
}

size_t Admission::NumOpenKeys() const {
  size_t n = 0;
  for (const auto& [step, keys] : open_) n += keys.size();
  return n;
}

int64_t Admission::n_bytes() const {
  if (!counts_) return 0;
  size_t n = sorted_.capacity() * sizeof(Key);
  for (const auto& [step, keys] : open_) n += keys.n_bytes();
  for (const UniqueKeys& keys : spare_) n += keys.n_bytes();
  return counts_->n_bytes() + static_cast<int64_t>(n);
}

void Admission::LoadShard(int shard, std::string_view bytes, ShardCoding coding) {
  if (!bytes.empty()) counts_->LoadShard(shard, bytes, coding);
}

void Admission::VisitOpen(
    const std::function<void(uint64_t step, std::span<const Key> keys)>& visit) const {
  for (const auto& [step, keys] : open_) visit(step, keys.keys());
}

void Admission::RestoreOpen(uint64_t step, Key key) {
  open_[step].Insert(key);
}

void Admission::FinishRestoring(const HasRow& has_row) {
  while (IsTooMany(open_.size())) Close(open_.begin(), has_row);
}

}  // namespace zhiyin::ps::table
