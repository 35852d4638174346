#include "launch/apps/text_table.h"

#include <gtest/gtest.h>

namespace zhiyin::launch::apps {
namespace {

const Cells kCells = {{"name", "what", "n"}, {"a", "é", "100"}, {"longer", "", "5"}};

TEST(TextTable, AlignsNamesToTheLeftAndNumbersToTheRight) {
  EXPECT_EQ(TextTable(kCells, /*markdown=*/false),
            "name    what    n\n"
            "a          é  100\n"
            "longer          5\n");
  EXPECT_EQ(TextTable(kCells, /*markdown=*/false, 2),
            "name    what    n\n"
            "a       é     100\n"
            "longer          5\n");
}

TEST(TextTable, IsMarkdownIfAsked) {
  EXPECT_EQ(TextTable(kCells, /*markdown=*/true),
            "| name | what | n |\n"
            "|---|---:|---:|\n"
            "| a | é | 100 |\n"
            "| longer |  | 5 |\n");
}

}  // namespace
}  // namespace zhiyin::launch::apps
