#include "worker/train/epoch_sums.h"

#include <algorithm>
#include <cmath>

#include "common/bytes.h"

namespace zhiyin::worker::train {

namespace {

constexpr char kSumsName[] = "sums of an epoch";
constexpr size_t kMaxSlices = size_t{1} << 31;
/// The fewest bytes that a sum is written in.
constexpr size_t kMinSumBytes = 2;

void CheckFinite(std::span<const double> numbers) {
  for (const double number : numbers) {
    if (!std::isfinite(number))
      Fail(kSumsName, ": a number of a slice is ", number,
           ", expected a finite one: lower the learning rates");
  }
}

}  // namespace

TaskOrder::TaskOrder(const std::vector<std::string>& before, const std::vector<std::string>& now) {
  for (const std::string& task : now) {
    const auto found = std::find(before.begin(), before.end(), task);
    from_.push_back(found == before.end() ? -1 : static_cast<int>(found - before.begin()));
  }
}

EpochSums::EpochSums(const SumsShape& shape) : tasks_(shape.n_tasks), balance_(shape.n_balance) {
  if (shape.n_slices > kMaxSlices)
    Fail(kSumsName, ": an epoch of ", shape.n_slices, " slices, expected at most ", kMaxSlices);
  has_slice_.resize(shape.n_slices);
}

void EpochSums::Add(int64_t slice, std::span<const model::TaskSums> tasks,
                    std::span<const double> balance) {
  CheckFinite(balance);
  if (!has_slice_.empty()) has_slice_[static_cast<size_t>(slice)] = true;
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const model::TaskSums::Numbers numbers = tasks[t].ToNumbers();
    CheckFinite(numbers);
    for (size_t i = 0; i < numbers.size(); ++i) tasks_[t][i].Add(numbers[i]);
  }
  for (size_t i = 0; i < balance_.size(); ++i) balance_[i].Add(balance[i]);
}

void EpochSums::Merge(const EpochSums& other) {
  if (other.tasks_.empty()) return;
  if (tasks_.empty()) {
    *this = other;
    return;
  }
  for (size_t slice = 0; slice < has_slice_.size(); ++slice) {
    if (!other.has_slice_[slice]) continue;
    if (has_slice_[slice]) Fail(kSumsName, ": slice ", slice, " was taken twice");
    has_slice_[slice] = true;
  }
  for (size_t t = 0; t < tasks_.size(); ++t) {
    for (size_t i = 0; i < tasks_[t].size(); ++i) tasks_[t][i].Add(other.tasks_[t][i]);
  }
  for (size_t i = 0; i < balance_.size(); ++i) balance_[i].Add(other.balance_[i]);
}

void EpochSums::CheckWhole() const {
  const auto none = std::find(has_slice_.begin(), has_slice_.end(), false);
  if (none != has_slice_.end())
    Fail(kSumsName, ": slice ", none - has_slice_.begin(), " was taken by nobody");
}

std::vector<int64_t> EpochSums::Slices() const {
  std::vector<int64_t> slices;
  for (size_t slice = 0; slice < has_slice_.size(); ++slice) {
    if (has_slice_[slice]) slices.push_back(static_cast<int64_t>(slice));
  }
  return slices;
}

model::TaskSums EpochSums::OfTask(size_t task) const {
  model::TaskSums::Numbers numbers;
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = tasks_[task][i].Value();
  return model::TaskSums::FromNumbers(numbers);
}

std::vector<double> EpochSums::OfBalance() const {
  std::vector<double> sums;
  for (const ExactSum& sum : balance_) sums.push_back(sum.Value());
  return sums;
}

EpochSums EpochSums::Ordered(const TaskOrder& order, size_t n_balance) const {
  EpochSums ordered;
  ordered.has_slice_ = has_slice_;
  ordered.tasks_ = order.Of(tasks_, TaskTotals());
  ordered.balance_.resize(n_balance);
  return ordered;
}

/// The lengths of the runs of slices that it lacks and has, in turn, then the sums.
std::string EpochSums::Serialize() const {
  ByteWriter out;
  bool has = false;
  for (auto begin = has_slice_.begin(); begin != has_slice_.end(); has = !has) {
    const auto end = std::find(begin, has_slice_.end(), !has);
    out.PutVarint(static_cast<uint64_t>(end - begin));
    begin = end;
  }
  for (const TaskTotals& totals : tasks_) {
    for (const ExactSum& sum : totals) sum.Write(&out);
  }
  for (const ExactSum& sum : balance_) sum.Write(&out);
  return out.Take();
}

EpochSums EpochSums::Parse(std::string_view bytes, const SumsShape& shape, int64_t n_rows) {
  const size_t n_sums = shape.n_tasks * model::TaskSums::kNumbers + shape.n_balance;
  if (bytes.size() / kMinSumBytes < n_sums)
    Fail(kSumsName, ": ", bytes.size(), " bytes, expected ", n_sums, " sums");
  ByteReader in(bytes, kSumsName);
  EpochSums sums(shape);
  bool has = false;
  for (size_t slice = 0; slice < shape.n_slices; has = !has) {
    const size_t n = static_cast<size_t>(in.GetVarint(shape.n_slices - slice));
    if (n == 0 && slice > 0) in.Refuse("a run of no slices");
    std::fill_n(sums.has_slice_.begin() + static_cast<std::ptrdiff_t>(slice), n, has);
    slice += n;
  }
  for (TaskTotals& totals : sums.tasks_) {
    for (ExactSum& sum : totals) sum = ExactSum::Read(&in);
  }
  for (ExactSum& sum : sums.balance_) sum = ExactSum::Read(&in);
  if (!in.AtEnd()) in.Refuse("not the last");
  for (size_t t = 0; t < shape.n_tasks; ++t) {
    const model::TaskSums task = sums.OfTask(t);
    if (!(task.n >= 0 && task.n <= static_cast<double>(n_rows)))
      Fail(kSumsName, ": task ", t, " has ", task.n, " labels, expected 0 to ", n_rows);
    if (task.weight < 0) Fail(kSumsName, ": task ", t, " has the weight ", task.weight);
  }
  return sums;
}

model::metric::TaskMetrics TrainMetrics(const std::string& task, model::loss::PredictionKind kind,
                                        const model::TaskSums& sums,
                                        const model::metric::RunningAuc& auc) {
  model::metric::TaskMetrics metrics;
  metrics.task = task;
  metrics.n_samples = static_cast<int64_t>(sums.n);
  metrics.weight = sums.weight;
  if (sums.weight == 0) return metrics;
  metrics.label_mean = sums.label / sums.weight;
  if (kind != model::loss::PredictionKind::kScore) {
    metrics.mse = sums.squared_error / sums.weight;
    metrics.rmse = std::sqrt(*metrics.mse);
    if (sums.label != 0) metrics.calibration = sums.prediction / sums.label;
  }
  if (model::metric::HasAuc(kind)) metrics.auc = auc.Value();
  if (kind == model::loss::PredictionKind::kProbability) {
    metrics.log_loss = sums.MeanLoss();
    metrics.normalized_entropy =
        model::metric::NormalizedEntropy(*metrics.log_loss, metrics.label_mean);
  }
  return metrics;
}

}  // namespace zhiyin::worker::train
