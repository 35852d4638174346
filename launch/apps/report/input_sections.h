// Sections of a report on what a model uses its inputs for.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "launch/apps/html.h"
#include "launch/apps/report/report_data.h"
#include "worker/saved/permutation_importance.h"

namespace zhiyin::launch::apps {

/// Returns the factor of each input by name, as the saved model has it; none in a model without
/// gates.
std::vector<std::pair<std::string, float>> GatesOf(const worker::saved::FrozenModel& model);

/// Adds "Gates": the factors as bars, those furthest from zero first; nothing without gates.
/// Returns the lines to print, one for every gate.
std::string AddGates(const std::vector<std::pair<std::string, float>>& gates, HtmlPage* page);

/// Computes permutation importance on the test split of the model that `data` holds.
worker::saved::PermutationImportance TestSplitImportance(
    const ReportData& data, const worker::saved::ImportanceOptions& options);

/// Adds "What the model uses": by task, what is lost by each input of the job as bars, the largest
/// first. Options are those that the importance was computed with. Returns the lines to print, one
/// for every bar.
std::string AddImportance(const ReportData& data,
                          const worker::saved::PermutationImportance& importance,
                          const worker::saved::ImportanceOptions& options, HtmlPage* page);

}  // namespace zhiyin::launch::apps
