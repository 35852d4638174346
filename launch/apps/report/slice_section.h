// The section of a report on parts of the test split.
#pragma once

#include <string>
#include <vector>

#include "launch/apps/html.h"
#include "launch/apps/report/report_data.h"

namespace zhiyin::launch::apps {

/// Adds "Slices": for each of these fields a table of its values with the most examples, with the
/// mean label, the mean prediction and a metric of each task. Without names, it takes the fields of
/// single values that have a few values in the test split. Adds nothing without a field. Throws
/// Error where a name is none of a field.
void AddSlices(const ReportData& data, const std::vector<std::string>& names, HtmlPage* page);

}  // namespace zhiyin::launch::apps
