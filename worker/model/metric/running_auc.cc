#include <algorithm>
#include <bit>

#include "worker/model/metric/metric.h"

namespace zhiyin::worker::model::metric {
namespace {

constexpr size_t kAllBins = 2 * RunningAuc::kNumBins;
constexpr int kHalfBits = 64;

}  // namespace

RunningAuc::RunningAuc() : low_(kAllBins) {}

RunningAuc::Units RunningAuc::At(size_t i) const {
  return (high_.empty() ? 0 : static_cast<Units>(high_[i]) << kHalfBits) | low_[i];
}

void RunningAuc::AddUnits(size_t i, Units units) {
  const Units sum = At(i) + units;
  low_[i] = static_cast<uint64_t>(sum);
  const uint64_t high = static_cast<uint64_t>(sum >> kHalfBits);
  if (high > 0 && high_.empty()) high_.resize(kAllBins);
  if (!high_.empty()) high_[i] = high;
}

void RunningAuc::Add(float prediction, double label, double weight) {
  const int bin = std::clamp(static_cast<int>(prediction * kNumBins), 0, kNumBins - 1);
  AddUnits(static_cast<size_t>(label > 0.5 ? kNumBins + bin : bin),
           weight == 1
               ? kOne
               : static_cast<Units>(std::min(weight, kMaxWeight) * static_cast<double>(kOne)));
}

void RunningAuc::Merge(const RunningAuc& other) {
  for (size_t i = 0; i < kAllBins; ++i) AddUnits(i, other.At(i));
}

double RunningAuc::WeightOf(int bin, bool is_positive) const {
  return static_cast<double>(At(static_cast<size_t>(is_positive ? kNumBins + bin : bin))) /
         static_cast<double>(kOne);
}

std::optional<double> RunningAuc::Value() const {
  double right = 0;
  double n_positive = 0;
  double n_negative = 0;
  for (int bin = 0; bin < kNumBins; ++bin) {
    const double negative = WeightOf(bin, false);
    const double positive = WeightOf(bin, true);
    right += positive * (n_negative + negative / 2);
    n_positive += positive;
    n_negative += negative;
  }
  if (n_positive == 0 || n_negative == 0) return std::nullopt;
  return right / n_positive / n_negative;
}

/// For each bin that is not empty: the number of empty ones before it, the number of zero bits at
/// the end of its weight, and the bits before them; an empty weight ends the list.
void RunningAuc::Write(ByteWriter* out) const {
  size_t n_empty = 0;
  for (size_t i = 0; i < kAllBins; ++i) {
    const Units units = At(i);
    if (units == 0) {
      ++n_empty;
      continue;
    }
    const uint64_t low = static_cast<uint64_t>(units);
    const int n_zeros =
        low != 0 ? std::countr_zero(low)
                 : kHalfBits + std::countr_zero(static_cast<uint64_t>(units >> kHalfBits));
    out->PutVarint(n_empty);
    out->PutVarint(static_cast<unsigned>(n_zeros));
    out->PutVarint(units >> n_zeros);
    n_empty = 0;
  }
  out->PutVarint(0);
  out->PutVarint(0);
  out->PutVarint(0);
}

RunningAuc RunningAuc::Read(ByteReader* in, int64_t n_examples) {
  const Units limit = static_cast<Units>(n_examples) * static_cast<Units>(kMaxWeight) * kOne;
  RunningAuc auc;
  for (size_t i = 0;; ++i) {
    i += static_cast<size_t>(in->GetVarint(kAllBins));
    const int n_zeros = static_cast<int>(in->GetVarint(2 * kHalfBits - 1));
    const Units digits = in->GetVarint(limit >> n_zeros);
    if (digits == 0) return auc;
    if (i >= kAllBins) in->Refuse("a bin that there is not");
    auc.AddUnits(i, digits << n_zeros);
  }
}

RunningAuc RunningAuc::ReadCounts(ByteReader* in, int64_t n_examples) {
  const std::vector<int64_t> counts = in->GetArray<int64_t>();
  if (counts.size() != kAllBins) in->Refuse("another number of bins");
  RunningAuc auc;
  for (size_t i = 0; i < kAllBins; ++i) {
    if (counts[i] < 0 || counts[i] > n_examples) in->Refuse("more examples in a bin than in all");
    auc.AddUnits(i, static_cast<Units>(counts[i]) * kOne);
  }
  return auc;
}

}  // namespace zhiyin::worker::model::metric
