#include "worker/train/epoch_sums.h"

#include <algorithm>
#include <cmath>

#include "common/bytes.h"

namespace zhiyin::worker::train {

namespace {

constexpr char kSumsName[] = "sums of an epoch";

}  // namespace

void SliceSums::Append(const SliceSums& other) {
  numbers.insert(numbers.end(), other.numbers.begin(), other.numbers.end());
  sums.insert(sums.end(), other.sums.begin(), other.sums.end());
  balance.insert(balance.end(), other.balance.begin(), other.balance.end());
}

std::string SliceSums::Serialize() const {
  ByteWriter out;
  out.PutArray<int64_t>(numbers);
  out.PutArray<double>(
      {reinterpret_cast<const double*>(sums.data()), sums.size() * model::TaskSums::kNumbers});
  out.PutArray<double>(balance);
  return out.Take();
}

SliceSums SliceSums::Parse(std::string_view bytes, std::span<const int64_t> rows_of_slices,
                           size_t n_tasks, size_t n_balance) {
  ByteReader in(bytes, kSumsName);
  SliceSums part;
  part.numbers = in.GetArray<int64_t>();
  const std::vector<double> numbers = in.GetArray<double>();
  part.balance = in.GetArray<double>();
  const size_t expected = part.numbers.size() * n_tasks * model::TaskSums::kNumbers;
  if (numbers.size() != expected || part.balance.size() != part.numbers.size() * n_balance ||
      !in.AtEnd()) {
    Fail(kSumsName, ": ", numbers.size(), " and ", part.balance.size(), " numbers in ",
         bytes.size(), " bytes, expected ", expected, " and ", part.numbers.size() * n_balance);
  }
  for (const double number : part.balance) {
    if (!std::isfinite(number))
      Fail(kSumsName, ": balance has a ", number, ", expected finite numbers");
  }
  for (size_t at = 0; at < numbers.size(); at += model::TaskSums::kNumbers) {
    const int64_t slice = part.numbers[part.sums.size() / n_tasks];
    if (slice < 0 || slice >= static_cast<int64_t>(rows_of_slices.size()))
      Fail(kSumsName, ": slice ", slice, ", expected 0 to ", rows_of_slices.size(), " exclusive");
    part.sums.push_back(model::TaskSums::FromNumbers(numbers.data() + at));
    const double n = part.sums.back().n;
    const int64_t n_rows = rows_of_slices[static_cast<size_t>(slice)];
    if (!(n >= 0 && n <= static_cast<double>(n_rows)))
      Fail(kSumsName, ": slice ", slice, " has ", n, " labels, expected 0 to ", n_rows);
  }
  return part;
}

TaskOrder::TaskOrder(const std::vector<std::string>& before, const std::vector<std::string>& now)
    : n_before_(before.size()) {
  for (const std::string& task : now) {
    const auto found = std::find(before.begin(), before.end(), task);
    from_.push_back(found == before.end() ? -1 : static_cast<int>(found - before.begin()));
  }
}

SliceSums TaskOrder::Of(const SliceSums& sums, size_t n_balance) const {
  SliceSums ordered;
  ordered.numbers = sums.numbers;
  for (size_t i = 0; i < sums.numbers.size(); ++i) {
    for (const int from : from_)
      ordered.sums.push_back(from < 0 ? model::TaskSums()
                                      : sums.sums[i * n_before_ + static_cast<size_t>(from)]);
  }
  ordered.balance.resize(sums.numbers.size() * n_balance);
  return ordered;
}

EpochSums SumEpoch(size_t n_slices, size_t n_tasks, size_t n_balance,
                   const std::vector<SliceSums>& parts) {
  struct Place {
    const SliceSums* part = nullptr;
    size_t at = 0;  // in it
  };
  std::vector<Place> by_number(n_slices);
  for (const SliceSums& part : parts) {
    for (size_t i = 0; i < part.numbers.size(); ++i) {
      Place& place = by_number[static_cast<size_t>(part.numbers[i])];
      if (place.part != nullptr) Fail(kSumsName, ": slice ", part.numbers[i], " was taken twice");
      place = {&part, i};
    }
  }
  EpochSums total{std::vector<model::TaskSums>(n_tasks), std::vector<double>(n_balance)};
  for (size_t slice = 0; slice < n_slices; ++slice) {
    const auto [part, at] = by_number[slice];
    if (part == nullptr) Fail(kSumsName, ": slice ", slice, " was taken by nobody");
    for (size_t t = 0; t < n_tasks; ++t) total.tasks[t].Add(part->sums[at * n_tasks + t]);
    for (size_t i = 0; i < n_balance; ++i) total.balance[i] += part->balance[at * n_balance + i];
  }
  return total;
}

model::metric::TaskMetrics TrainMetrics(const std::string& task, model::loss::PredictionKind kind,
                                        const model::TaskSums& sums,
                                        const model::metric::RunningAuc& auc) {
  model::metric::TaskMetrics metrics;
  metrics.task = task;
  metrics.n_samples = static_cast<int64_t>(sums.n);
  if (sums.n == 0) return metrics;
  metrics.label_mean = sums.label / sums.n;
  if (kind != model::loss::PredictionKind::kScore) {
    metrics.mse = sums.squared_error / sums.n;
    metrics.rmse = std::sqrt(*metrics.mse);
    if (sums.label != 0) metrics.calibration = sums.prediction / sums.label;
  }
  if (model::metric::HasAuc(kind)) metrics.auc = auc.Value();
  if (kind == model::loss::PredictionKind::kProbability) metrics.log_loss = sums.loss / sums.n;
  return metrics;
}

}  // namespace zhiyin::worker::train
