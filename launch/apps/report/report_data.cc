#include "launch/apps/report/report_data.h"

#include "common/error.h"
#include "launch/job/load_frozen.h"
#include "worker/data/source.h"

namespace zhiyin::launch::apps {

std::vector<worker::model::loss::PredictionKind> KindsOf(const Job& job) {
  std::vector<worker::model::loss::PredictionKind> kinds;
  for (const Task& task : job.task()) kinds.push_back(worker::model::loss::MakeLoss(task)->kind());
  return kinds;
}

ReportData LoadReportData(const std::string& checkpoint,
                          const std::vector<std::string>& overrides) {
  ReportData data;
  data.model = job::LoadFrozen(checkpoint, overrides, &data.manifest);
  data.job = data.model->job();
  if (!data.job.data().has_test())
    Fail(
        "report: the job has no data.test, expected a split to look at: --set "
        "data.test.file=FILE");
  data.test = worker::saved::ScoreSplit(*data.model, worker::data::SplitKind::kTest);
  data.kinds = KindsOf(data.job);
  return data;
}

}  // namespace zhiyin::launch::apps
