#include "launch/job/check_job.h"

#include <string>

#include "common/config/checker.h"
#include "common/text.h"
#include "ps/table/check_tables.h"
#include "worker/data/check_data.h"
#include "worker/data/check_inputs.h"
#include "worker/model/check_model.h"
#include "worker/model/check_tasks.h"
#include "worker/train/check_train.h"

namespace zhiyin::launch::job {
namespace {

void CheckJobName(const config::Checker& check, const std::string& name) {
  constexpr size_t kMaxBytes = 128;
  if (name.size() > kMaxBytes || name != OneLine(name)) {
    check.Fail(check.root()("name"), "is \"", name, "\", expected at most ", kMaxBytes,
               " bytes on one line");
  }
}

}  // namespace

void CheckJob(const Job& job, const config::ConfigBlame& blame) {
  const config::Checker check(job, blame);
  CheckJobName(check, job.name());
  const worker::data::KnownColumns columns = worker::data::CheckData(check, job);
  ps::table::CheckTables(check, job);
  worker::data::CheckInputs(check, job, columns);
  worker::model::CheckTasks(check, job, columns);
  worker::model::CheckModel(check, job);
  worker::train::CheckTrain(check, job);
}

}  // namespace zhiyin::launch::job
