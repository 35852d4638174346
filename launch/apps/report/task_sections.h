// Sections of a report on how good the predictions of each task are.
#pragma once

#include <string>

#include "launch/apps/html.h"
#include "launch/apps/report/report_data.h"
#include "worker/saved/baselines.h"

namespace zhiyin::launch::apps {

/// Adds "Tasks": of every task a table of metrics, of the model and of the baselines, which are
/// [tasks][n] for the examples of the test split. Returns the lines to print, one for every row of
/// a table.
std::string AddTasks(const ReportData& data, const worker::saved::Baselines& baselines,
                     HtmlPage* page);

/// Adds "Curves": ROC curves of tasks with an AUC, calibration curves of all but scores; nothing
/// where no task has one.
void AddCurves(const ReportData& data, HtmlPage* page);

}  // namespace zhiyin::launch::apps
