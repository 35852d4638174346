// The section of a report on recommended lists.
#pragma once

#include "launch/apps/html.h"
#include "launch/apps/report/report_data.h"

namespace zhiyin::launch::apps {

/// Adds "Lists": how good the first k items of the model's and of baselines' lists are for the
/// users with held-out events; nothing where the job holds no events out. Reads the job's events.
/// Throws Error as Recommender and Behaviour do.
void AddLists(const ReportData& data, int k, HtmlPage* page);

}  // namespace zhiyin::launch::apps
