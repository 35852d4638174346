#include "worker/train/training_data.h"

#include <algorithm>

#include "common/error.h"
#include "worker/data/source.h"
#include "worker/model/label_domains.h"
#include "worker/train/data_pass.h"

namespace zhiyin::worker::train {

TrainingData ReadTrainingData(const Job& job, const Progress* resumed, const net::RoleMap& roles,
                              Tools* tools) {
  TrainingData result;
  const int n_workers = roles.n_workers;
  const int worker = tools->group.worker();
  const int64_t shuffle_rows = job.data().shuffle_rows();
  const bool synchronous = job.train().staleness() == 0;
  const int n_slices = SlicesOfStep(job.train(), n_workers);
  result.n_planned_workers = resumed != nullptr ? resumed->n_workers() : n_workers;
  const auto on_bad = [&](const data::BadLine& line) { CheckBadLine(line, job.data()); };
  const int64_t n_kept = shuffle_rows * (synchronous ? (n_slices + n_workers - 1) / n_workers : 1);
  result.reader = std::make_unique<data::SliceReader>(
      data::MakeSource(job, data::SplitKind::kTrain, model::LabelDomainsOf(job)),
      job.train().seed(), n_kept, data::Augmenter(job));
  const data::BlockSummaries train =
      ShareSummaries(result.reader->FirstPass(FirstDeal(job.train(), n_workers), worker, on_bad,
                                              [&] { tools->group.SendHeartbeat(); }),
                     job, "train", &tools->group);
  const data::SplitSummary summary = data::SplitSummary::Of(train);
  result.n_rows = summary.n_rows;
  result.n_bad = summary.n_bad;
  result.normalizer = NormalizerFor(job, summary);
  if (tools->evaluator) {
    const data::BlockSummaries own = tools->evaluator->Load(on_bad);
    result.n_bad += data::SplitSummary::Of(ShareSummaries(own, job, "test", &tools->group)).n_bad;
  }
  const int64_t rows_per_slice = std::max(job.train().batch_size() / n_slices, 1);
  if (synchronous) {
    data::StreamPlan plan(train, n_slices, rows_per_slice, shuffle_rows);
    result.reader->Start(plan.runs(), result.normalizer, /*in_one_pass=*/true);
    result.dealer = MakeStreamDealer(job, std::move(plan), worker, n_workers, result.reader.get(),
                                     &tools->client);
  } else {
    data::RangePlan plan(train, result.n_planned_workers, rows_per_slice, shuffle_rows,
                         ps::kMaxRanges);
    result.reader->Start(plan.runs(), result.normalizer, /*in_one_pass=*/false);
    result.dealer = MakeRangeDealer(job, std::move(plan), worker, n_workers, result.reader.get(),
                                    &tools->client);
  }
  result.rows_of_slices = result.dealer->RowsOfSlices();
  if (resumed != nullptr) {
    CheckResumedData(*resumed, result.n_rows, result.n_slices(), result.dealer->steps_per_epoch());
  }
  return result;
}

void CheckResumedData(const Progress& resumed, int64_t n_rows, int64_t n_slices,
                      int64_t steps_per_epoch) {
  if (resumed.n_rows() != n_rows || resumed.n_slices() != n_slices) {
    Fail("data.train: has ", n_rows, " rows in ", n_slices, " slices, expected ", resumed.n_rows(),
         " in ", resumed.n_slices(), " as when the checkpoint was written");
  }
  if (resumed.next_step() < resumed.epoch() * steps_per_epoch ||
      resumed.next_step() > (resumed.epoch() + 1) * steps_per_epoch) {
    Fail("the checkpoint: damaged: step ", resumed.next_step(), " is none of epoch ",
         resumed.epoch() + 1);
  }
}

}  // namespace zhiyin::worker::train
