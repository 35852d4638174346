#include "launch/job/defaults.h"

#include "ps/table/check_tables.h"
#include "worker/data/check_data.h"
#include "worker/data/check_inputs.h"
#include "worker/model/check_model.h"
#include "worker/model/check_tasks.h"
#include "worker/train/check_train.h"

namespace zhiyin::launch::job {

void FillDefaults(Job* job) {
  if (job->name().empty()) job->set_name("job");
  worker::data::FillData(job->mutable_data());
  ps::table::FillTables(job);
  worker::data::FillInputs(job);
  worker::model::FillModel(job);
  worker::model::FillTasks(job);
  worker::train::FillTrain(job);
}

}  // namespace zhiyin::launch::job
