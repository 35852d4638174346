#include "launch/apps/check/check.h"

#include "common/file.h"
#include "launch/apps/check/survey_json.h"
#include "launch/apps/check/survey_page.h"
#include "launch/apps/check/survey_results.h"
#include "launch/apps/check/survey_text.h"
#include "launch/job/load_job.h"
#include "launch/rank/output_folder.h"
#include "worker/data/records.h"

namespace zhiyin::launch::apps {

int CheckJobData(const CheckCommand& command) {
  Job job = job::LoadJob(command.config, command.overrides);
  worker::data::FindColumns(&job);
  if (!command.output.empty()) rank::CheckOutputFile(command.output, command.overwrite);
  const SurveyResults results = SurveyOf(job);
  if (!command.output.empty()) ReplaceFile(command.output, SurveyPage(results));
  command.print(command.as_json ? SurveyJson(results).dump(2) + "\n" : SurveyText(results));
  return command.is_strict && !results.findings.empty() ? 1 : 0;
}

}  // namespace zhiyin::launch::apps
