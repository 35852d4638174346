#include "worker/model/nn/batch_statistics.h"

#include <algorithm>
#include <cmath>

#include "common/bytes.h"
#include "common/error.h"

namespace zhiyin::worker::model::nn {
namespace {

constexpr char kStatisticsName[] = "batch statistics";
/// The unit of a sum in fixed point; the range is 2^127 units, about 1e26.
constexpr double kUnit = 0x1.0p-40;
constexpr double kRange = 0x1.0p+87;

[[noreturn]] void RefuseSum() {
  Fail(kStatisticsName, ": a sum over the examples of an epoch is beyond ", kRange,
       ", expected smaller values in front of batch normalisation: standardise the numerics");
}

__int128 InUnits(double x) {
  if (!(std::abs(x) < kRange)) RefuseSum();
  return static_cast<__int128>(x / kUnit);
}

void AddUnits(__int128 units, __int128* sum) {
  if (__builtin_add_overflow(*sum, units, sum)) RefuseSum();
}

}  // namespace

bool BatchStatistics::CanHold(int64_t n, std::span<const float> mean,
                              std::span<const float> variance) {
  for (size_t c = 0; c < mean.size(); ++c) {
    const double m = mean[c];
    const double square = static_cast<double>(n) * (m * m + variance[c]);
    // A mean that is not finite has no square that is.
    if (!(square < kRange) || !(std::abs(static_cast<double>(n) * m) < kRange)) return false;
  }
  return true;
}

void BatchStatistics::Add(std::span<const float> kept, int64_t n, std::span<const float> mean,
                          std::span<const float> variance) {
  if (n == 0) return;
  Layer& layer = layers_[kept.data() - base_];
  layer.n += n;
  layer.sums.resize(mean.size());
  for (size_t c = 0; c < mean.size(); ++c) {
    const double m = mean[c];
    AddUnits(InUnits(static_cast<double>(n) * m), &layer.sums[c].x);
    AddUnits(InUnits(static_cast<double>(n) * (m * m + variance[c])), &layer.sums[c].square);
  }
}

void BatchStatistics::Add(const BatchStatistics& other) {
  for (const auto& [place, added] : other.layers_) {
    Layer& layer = layers_[place];
    layer.n += added.n;
    layer.sums.resize(added.sums.size());
    for (size_t c = 0; c < added.sums.size(); ++c) {
      AddUnits(added.sums[c].x, &layer.sums[c].x);
      AddUnits(added.sums[c].square, &layer.sums[c].square);
    }
  }
}

std::string BatchStatistics::Serialize() const {
  ByteWriter out;
  out.Put<uint64_t>(layers_.size());
  for (const auto& [place, layer] : layers_) {
    out.Put<int64_t>(place);
    out.Put<int64_t>(layer.n);
    std::vector<uint64_t> halves;
    for (const Sum& sum : layer.sums) {
      for (const __int128 part : {sum.x, sum.square}) {
        halves.push_back(static_cast<uint64_t>(part));
        halves.push_back(static_cast<uint64_t>(part >> 64));
      }
    }
    out.PutArray<uint64_t>(halves);
  }
  return out.Take();
}

void BatchStatistics::Add(std::string_view bytes, int64_t n_weights) {
  ByteReader in(bytes, kStatisticsName);
  const uint64_t n_layers = in.Get<uint64_t>();
  for (uint64_t l = 0; l < n_layers; ++l) {
    const int64_t place = in.Get<int64_t>();
    const int64_t n = in.Get<int64_t>();
    const std::vector<uint64_t> halves = in.GetArray<uint64_t>();
    const int64_t n_columns = static_cast<int64_t>(halves.size() / 4);
    if (halves.size() % 4 != 0 || place < 0 || n <= 0 || place > n_weights - 2 * n_columns)
      Fail(kStatisticsName, ": ", n_columns, " columns of ", n, " rows at ", place,
           ", expected a part of ", n_weights, " weights");
    Layer& layer = layers_[place];
    if (layer.n > 0 && layer.sums.size() != static_cast<size_t>(n_columns))
      Fail(kStatisticsName, ": ", n_columns, " columns at ", place, ", expected ",
           layer.sums.size());
    if (__builtin_add_overflow(layer.n, n, &layer.n)) in.Refuse("more rows than there are");
    layer.sums.resize(static_cast<size_t>(n_columns));
    const auto whole = [&](size_t at) {
      return static_cast<__int128>((static_cast<unsigned __int128>(halves[at + 1]) << 64) |
                                   halves[at]);
    };
    for (size_t c = 0; c < layer.sums.size(); ++c) {
      AddUnits(whole(4 * c), &layer.sums[c].x);
      AddUnits(whole(4 * c + 2), &layer.sums[c].square);
    }
  }
  if (!in.AtEnd()) Fail(kStatisticsName, ": ", bytes.size(), " bytes, expected fewer");
}

void BatchStatistics::Write(std::span<float> weights) const {
  for (const auto& [place, layer] : layers_) {
    const size_t n_columns = layer.sums.size();
    const std::span<float> mean = weights.subspan(static_cast<size_t>(place), n_columns);
    const std::span<float> variance =
        weights.subspan(static_cast<size_t>(place) + n_columns, n_columns);
    const double n = static_cast<double>(layer.n);
    for (size_t c = 0; c < n_columns; ++c) {
      const double m = static_cast<double>(layer.sums[c].x) * kUnit / n;
      const double square = static_cast<double>(layer.sums[c].square) * kUnit / n;
      mean[c] = static_cast<float>(m);
      variance[c] = static_cast<float>(std::max(0.0, square - m * m));
    }
  }
}

}  // namespace zhiyin::worker::model::nn
