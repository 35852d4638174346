#include "worker/data/seen_columns.h"

#include <algorithm>

#include "common/error.h"
#include "common/text.h"
#include "worker/data/format_records.h"

namespace zhiyin::worker::data {
namespace {

/// The columns that no record has, in the order of the job's inputs.
std::vector<std::string> UnseenColumns(const Job& job, LabelUse labels,
                                       std::span<const uint8_t> seen) {
  std::vector<std::string> unseen;
  if (std::ranges::find(seen, uint8_t{0}) == seen.end()) return unseen;
  const std::vector<WantedColumn> wanted = WantedColumns(job, labels);
  if (seen.size() != wanted.size())
    Fail("records of ", seen.size(), " columns, expected ", wanted.size(), " as the job reads");
  for (size_t c = 0; c < wanted.size(); ++c) {
    if (seen[c] == 0) unseen.push_back(wanted[c].name);
  }
  return unseen;
}

/// `the column "usr" (field[0] "user"), nor 2 more that the job reads`
std::string DescribeUnseen(const Job& job, const std::vector<std::string>& unseen) {
  const std::vector<ColumnUse> uses = ColumnUses(job);
  const auto use = std::ranges::find(uses, unseen[0], &ColumnUse::column);
  std::string text = TextOf("the column \"", unseen[0], "\" (",
                            use == uses.end() ? "data.behaviour" : use->user, ")");
  if (unseen.size() > 1) text += TextOf(", nor ", unseen.size() - 1, " more that the job reads");
  return text;
}

/// The end of a message that no record has a column.
std::string NearestInRecords(const Format& format, const Text& text, const Split& split,
                             const std::string& column) {
  if (format.names == nullptr) return ", expected some with it";
  std::vector<std::string> names;
  for (int f = 0; f < split.file_size() && names.empty(); ++f)
    names = format.names(split.file(f), text);
  return Suggestion(column, names);
}

/// Whether a split may lack columns of this format that training had.
bool MayLack(const Format& format, SplitKind split) {
  return format.may_begin != nullptr && split != SplitKind::kTrain;
}

}  // namespace

void MergeSeen(std::span<const uint8_t> other, std::vector<uint8_t>* seen) {
  if (seen->size() < other.size()) seen->resize(other.size());
  for (size_t c = 0; c < other.size(); ++c) (*seen)[c] |= other[c];
}

void CheckSeen(const Job& job, SplitKind split, LabelUse labels, std::span<const uint8_t> seen) {
  const std::vector<std::string> unseen = UnseenColumns(job, labels, seen);
  if (unseen.empty()) return;
  const Split& files = SplitOf(job.data(), split);
  const Format* const format = FormatOfFiles(job.data(), files, [] {});
  if (format == nullptr || MayLack(*format, split)) return;
  const std::string more =
      files.file_size() > 1 ? TextOf(" and ", files.file_size() - 1, " more") : "";
  Fail(files.file(0), more, ": no record of data.", SplitName(split), " has ",
       DescribeUnseen(job, unseen), NearestInRecords(*format, job.data().text(), files, unseen[0]));
}

std::vector<std::string> SeenNotes(const Job& job, SplitKind split, LabelUse labels,
                                   std::span<const uint8_t> seen) {
  const std::vector<std::string> unseen = UnseenColumns(job, labels, seen);
  if (unseen.empty()) return {};
  return {TextOf("note: no record of data.", SplitName(split), " has ", DescribeUnseen(job, unseen),
                 ": absent ones are read as 0 or as missing")};
}

}  // namespace zhiyin::worker::data
