#include "launch/job/defaults.h"

#include "ps/table/check_tables.h"
#include "worker/data/check_data.h"
#include "worker/data/check_inputs.h"
#include "worker/model/check_model.h"
#include "worker/model/check_tasks.h"
#include "worker/train/check_train.h"

namespace zhiyin::launch::job {

void FillDefaults(const std::string& folder, Job* job) {
  if (job->name().empty()) job->set_name("job");
  worker::data::FillData(folder, job->mutable_data());
  ps::table::FillTables(job);
  worker::data::FillInputs(job);
  worker::model::FillModel(job);
  worker::model::FillTasks(job);
  worker::train::FillTrain(folder, job);
}

}  // namespace zhiyin::launch::job
