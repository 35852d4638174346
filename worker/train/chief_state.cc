#include "worker/train/chief_state.h"

#include <cmath>
#include <span>
#include <string_view>

#include "common/bytes.h"
#include "common/error.h"
#include "common/file.h"
#include "worker/model/balance/task_balance.h"
#include "worker/saved/state_file.h"
#include "worker/train/results.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kStateName[] = "the state of a job";

/// The numbers of balance figures that sums of so many tasks can have: none, or all.
size_t CheckedBalance(uint64_t n_balance, size_t n_tasks) {
  const size_t n_all = model::balance::BalanceSums::NumNumbers(n_tasks);
  if (n_balance != 0 && n_balance != n_all)
    Fail(kStateName, ": ", n_balance, " balance figures, expected 0 or ", n_all);
  return static_cast<size_t>(n_balance);
}

/// Throws Error unless the parts are those of one epoch of this progress.
void CheckPart(const EpochPart& part, const Manifest& manifest) {
  const int64_t n_rows = manifest.progress().n_rows();
  if (part.tally.n_rows > n_rows)
    Fail(kStateName, ": ", part.tally.n_rows, " rows of an epoch of ", n_rows);
  if (!part.batch_statistics.empty())
    model::nn::BatchStatistics({}).Add(part.batch_statistics, manifest.n_weights());
}

SumsShape ShapeOf(const Progress& progress, size_t n_balance) {
  return {.n_slices = static_cast<size_t>(progress.n_slices()),
          .n_tasks = static_cast<size_t>(progress.task_name_size()),
          .n_balance = n_balance};
}

ChiefState Parse(std::string_view bytes, const Manifest& manifest) {
  ByteReader in(bytes, kStateName);
  ChiefState state;
  state.metrics = in.GetString();
  const uint64_t is_in_epoch = in.Get<uint64_t>();
  if (is_in_epoch > 1) in.Refuse("neither 0 nor 1");
  if (is_in_epoch == 1) {
    const Progress& progress = manifest.progress();
    const size_t n_tasks = static_cast<size_t>(progress.task_name_size());
    const SumsShape shape = ShapeOf(progress, CheckedBalance(in.Get<uint64_t>(), n_tasks));
    EpochPart& part = state.part.emplace();
    part.sums = EpochSums::Parse(in.GetString(), shape, progress.n_rows());
    part.tally = EpochTally::Parse(in.GetString(), n_tasks);
    part.batch_statistics = in.GetString();
    CheckPart(part, manifest);
  }
  if (!in.AtEnd()) in.Refuse("not the last");
  return state;
}

/// The sums as format 1 has them: numbers of slices, then the sums of each slice, by task, then its
/// balance figures. It had no weights: an example counts once.
EpochSums SumsOfFormat1(const Progress& progress) {
  constexpr size_t kNumbers = 6;
  ByteReader in(progress.slice_sums(), kStateName);
  const std::vector<int64_t> slices = in.GetArray<int64_t>();
  const std::vector<double> numbers = in.GetArray<double>();
  const std::vector<double> balance = in.GetArray<double>();
  const size_t n_tasks = static_cast<size_t>(progress.task_name_size());
  const size_t n_balance =
      slices.empty() ? 0 : CheckedBalance(balance.size() / slices.size(), n_tasks);
  if (numbers.size() != slices.size() * n_tasks * kNumbers ||
      balance.size() != slices.size() * n_balance || !in.AtEnd())
    Fail(kStateName, ": ", numbers.size(), " and ", balance.size(), " numbers of ", slices.size(),
         " slices");
  EpochSums sums(ShapeOf(progress, n_balance));
  std::vector<bool> is_taken(static_cast<size_t>(progress.n_slices()));
  const double* next = numbers.data();
  for (size_t i = 0; i < slices.size(); ++i) {
    if (slices[i] < 0 || slices[i] >= progress.n_slices())
      Fail(kStateName, ": slice ", slices[i], ", expected 0 to ", progress.n_slices(),
           " exclusive");
    if (is_taken[static_cast<size_t>(slices[i])])
      Fail(kStateName, ": slice ", slices[i], " was taken twice");
    is_taken[static_cast<size_t>(slices[i])] = true;
    std::vector<model::TaskSums> tasks;
    for (size_t t = 0; t < n_tasks; ++t, next += kNumbers)
      tasks.push_back({next[0], next[0], next[1], next[2], next[3], next[4], next[5]});
    sums.Add(slices[i], tasks, std::span(balance).subspan(i * n_balance, n_balance));
  }
  return sums;
}

EpochTally TallyOfFormat1(const Progress& progress) {
  ByteReader in(progress.tally(), kStateName);
  EpochTally tally(static_cast<size_t>(progress.task_name_size()));
  tally.n_rows = in.Get<int64_t>();
  if (tally.n_rows < 0 || tally.n_rows > progress.n_rows()) in.Refuse("no number of rows");
  in.Get<double>();  // a sum of losses that was for display
  tally.waited_s = in.Get<double>();
  if (in.Get<uint64_t>() != tally.aucs.size()) in.Refuse("another number of tasks");
  for (model::metric::RunningAuc& auc : tally.aucs)
    auc = model::metric::RunningAuc::ReadCounts(&in, tally.n_rows);
  if (!in.AtEnd()) in.Refuse("not the last");
  return tally;
}

ChiefState OfFormat1(const Manifest& manifest) {
  const Progress& progress = manifest.progress();
  ChiefState state;
  state.metrics = progress.metrics();
  if (progress.slice_sums().empty()) return state;
  EpochPart& part = state.part.emplace();
  part.sums = SumsOfFormat1(progress);
  part.tally = TallyOfFormat1(progress);
  part.batch_statistics = progress.batch_statistics();
  CheckPart(part, manifest);
  return state;
}

}  // namespace

std::string ChiefState::Serialize() const {
  ByteWriter out;
  out.PutString(metrics);
  out.Put<uint64_t>(part ? 1 : 0);
  if (!part) return out.Take();
  out.Put<uint64_t>(part->sums.OfBalance().size());
  out.PutString(part->sums.Serialize());
  out.PutString(part->tally.Serialize());
  out.PutString(part->batch_statistics);
  return out.Take();
}

ChiefState ReadChiefState(const std::string& folder, const Manifest& manifest) {
  const Progress& progress = manifest.progress();
  LossesOfCheckpoint(progress, SavedTasksOf(progress));
  if (!progress.balance().empty() && !Json::parse(progress.balance(), nullptr, false).is_object())
    Fail(folder, ": damaged: its balance is no JSON object");
  try {
    return progress.has_state() ? Parse(saved::ReadState(folder, progress.state()), manifest)
                                : OfFormat1(manifest);
  } catch (const FileError&) {
    throw;
  } catch (const Error& e) {
    const std::string where = progress.has_state() ? saved::StatePath(folder) : folder;
    const std::string_view what = e.what();
    if (what.starts_with(where)) throw;
    Fail(where, ": damaged: ", what);
  }
}

std::vector<std::string> SavedTasksOf(const Progress& progress) {
  return {progress.task_name().begin(), progress.task_name().end()};
}

std::vector<std::vector<double>> LossesOfCheckpoint(const Progress& progress,
                                                    const std::vector<std::string>& tasks) {
  const TaskOrder order(SavedTasksOf(progress), tasks);
  std::vector<std::vector<double>> epochs;
  for (const Progress::Losses& losses : progress.losses()) {
    if (losses.task_size() != progress.task_name_size())
      Fail("the checkpoint: damaged: losses of ", losses.task_size(), " tasks of ",
           progress.task_name_size());
    // A task without labels has a mean loss of NaN, too.
    epochs.push_back(
        order.Of(std::vector<double>(losses.task().begin(), losses.task().end()), std::nan("")));
  }
  return epochs;
}

}  // namespace zhiyin::worker::train
