// The results of zhiyin check as tables for a terminal.
#pragma once

#include <string>

#include "launch/apps/check/survey_results.h"
#include "launch/apps/text_table.h"

namespace zhiyin::launch::apps {

/// Tables of splits, tasks and inputs, with titles in their first rows.
Cells TaskCells(const SurveyResults& results);
Cells InputCells(const SurveyResults& results);
/// Returns, for each split, a line on its examples, their times and repeated ones, and a line for
/// each join.
std::string SplitLines(const SurveyResults& results);

/// All of it: lines and tables, then a line for each finding, or "nothing found".
std::string SurveyText(const SurveyResults& results);

}  // namespace zhiyin::launch::apps
