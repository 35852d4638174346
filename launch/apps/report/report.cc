#include "launch/apps/report/report.h"

#include <filesystem>

#include "common/file.h"
#include "common/text.h"
#include "launch/apps/html.h"
#include "launch/apps/report/input_sections.h"
#include "launch/apps/report/learning_section.h"
#include "launch/apps/report/list_section.h"
#include "launch/apps/report/report_data.h"
#include "launch/apps/report/slice_section.h"
#include "launch/apps/report/task_sections.h"
#include "launch/rank/output_folder.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::launch::apps {
namespace {

std::string MetricsFileBeside(const std::string& checkpoint) {
  const std::filesystem::path model = worker::saved::FindModel(checkpoint);
  return (model.parent_path() / "metrics.jsonl").string();
}

}  // namespace

void RunReport(const ReportCommand& command) {
  rank::CheckOutputFile(command.output, command.overwrite);
  const ReportData data = LoadReportData(command.checkpoint, command.overrides);
  HtmlPage page(data.job.name() + ": what the model does on the test split");
  page.Paragraph(TextOf(
      "Model of epoch ", data.manifest.epoch(), ", step ", data.manifest.step(),
      ". Test split: ", data.test.n, " rows",
      data.test.n_bad > 0 ? TextOf(", and ", data.test.n_bad, " malformed lines") : "", "."));
  for (const std::string& note : worker::data::UnpredictedNotes(data.test.unpredicted, data.test.n,
                                                                "left out of all figures")) {
    page.Paragraph(note);
    command.print(note + "\n");
  }
  std::string lines =
      AddTasks(data, worker::saved::FindBaselines(data.job, data.test.blocks), &page);
  AddCurves(data, &page);
  AddLearning(ReadLearningCurves(MetricsFileBeside(command.checkpoint)), data.job, &page);
  AddLists(data, command.k, &page);
  lines += AddGates(GatesOf(*data.model), &page);
  if (command.importance) {
    worker::saved::ImportanceOptions options;
    options.seed = data.job.train().seed();
    lines += AddImportance(data, TestSplitImportance(data, options), options, &page);
  }
  AddSlices(data, command.slices, &page);
  ReplaceFile(command.output, page.Finish());
  command.print(lines + "report: " + command.output + "\n");
}

}  // namespace zhiyin::launch::apps
