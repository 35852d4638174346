#include "tests/support/split_passes.h"

#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "tests/support/cluster.h"
#include "tests/support/data_jobs.h"
#include "tests/support/example_jobs.h"
#include "worker/model/label_domains.h"
#include "worker/train/split_indexes.h"
#include "worker/train/split_pass.h"

namespace zhiyin::testing {

namespace data = worker::data;
using worker::train::Group;
using worker::train::IndexFolders;
using worker::train::SharedFindings;
using worker::train::SplitIndexes;
using worker::train::SplitPass;

std::vector<int64_t> AllBlocks(int, int64_t n_blocks) {
  std::vector<int64_t> blocks(static_cast<size_t>(n_blocks));
  std::iota(blocks.begin(), blocks.end(), 0);
  return blocks;
}

PassResult PassOver(const Job& job, int n_workers, int64_t n_kept_max, const WantedBlocks& wanted,
                    const std::string& index_folder) {
  IndexFolders folders;
  if (!index_folder.empty()) folders = {{index_folder}, {index_folder}};
  PassResult found;
  found.blocks.resize(static_cast<size_t>(n_workers));
  data::ReadCounts counts;
  const auto kept = [&](const data::RecordCounts& records, int worker) {
    return n_kept_max > 0 ? wanted(worker, records.n_blocks()) : std::vector<int64_t>();
  };
  const auto work = [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
    Group group(mailbox, {.n_servers = 1, .n_workers = n_workers});
    const auto source = data::MakeSource(
        job, data::SplitKind::kTrain, worker::model::LabelDomainsOf(job), {}, [] {}, &counts);
    const data::SplitKind named[] = {data::SplitKind::kTrain};
    SplitIndexes indexes(job, folders, named, [] {});
    SplitPass pass(job, data::SplitKind::kTrain, source.get(), n_kept_max, kept, &group, n_workers,
                   &indexes);
    const SharedFindings shared = pass.Read({n_workers, n_workers});
    group.Barrier("the other workers");
    if (worker == 0) {
      found.summary = shared.summary;
      found.records = shared.records;
      found.n_bytes = counts.n_bytes;
      found.n_opened = counts.n_files;
      found.is_shared = pass.is_shared();
    }
    group.Barrier("what was counted");
    auto& own = found.blocks[static_cast<size_t>(worker)];
    pass.Deliver([&](int64_t block, data::Examples rows) {
      EXPECT_TRUE(own.emplace(block, std::move(rows)).second);
    });
    group.Barrier("the other workers");
    if (worker == 0) found.n_bytes_delivered = counts.n_bytes - found.n_bytes;
    group.Barrier("what was counted");
    data::Examples rows;
    std::vector<data::BadLine> bad;
    if (!index_folder.empty()) {
      for (const int64_t block : wanted(worker, shared.records.n_blocks())) {
        if (!own.contains(block)) source->Read(block, &own[block], &bad);
      }
    }
    // The source jumps to blocks that others have read.
    for (const auto& [block, expected] : own) {
      if (block % 5 != worker % 5) continue;
      source->Read(block, &rows, &bad);
      ExpectSameRows(rows, expected);
    }
  };
  RunCluster(ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3),
             {.n_servers = 1, .n_workers = n_workers}, 1, work);
  return found;
}

Job JobOfColumns(const std::vector<std::string>& files) {
  Job job = TextJob(files);
  job.set_name("pass");
  job.mutable_data()->mutable_text()->set_header(true);
  job.mutable_data()->mutable_text()->set_delimiter(",");
  job.mutable_data()->set_max_bad_share(1);
  AddNumeric(&job, "a", "a");
  AddField(&job, "b", "b");
  AddTask(&job, "y", "y");
  return job;
}

std::string LinesOfColumns(int64_t n, Random* random, bool quotes) {
  std::string text = "a,b,y\n";
  for (int64_t i = 0; i < n; ++i) {
    text += std::to_string(random->Normal()) + ",";
    switch (random->Below(quotes ? 12 : 8)) {
      case 0:
        text += "\n\n";  // too few columns, and an empty line
        continue;
      case 1:
        text += "category,x\r\n";  // no label
        continue;
      case 2:
        text += std::string(random->Below(400), 'l');
        break;
      case 8:
        text += "\"two\nlines, 5\n" + std::to_string(i) + "\"";
        break;
      case 9:
        text += "\"a \"\" quote,1,1\n\n\"";
        break;
      case 10:
        text += "a stray \" quote";
        break;
      default:
        text += "c" + std::to_string(random->Below(50));
    }
    text += "," + std::to_string(random->Below(2)) + "\n";
  }
  return text;
}

void ExpectSameFound(const PassResult& found, const PassResult& expected) {
  ByteWriter bytes;
  ByteWriter expected_bytes;
  found.summary.Write(&bytes);
  expected.summary.Write(&expected_bytes);
  EXPECT_EQ(bytes.Take(), expected_bytes.Take());
  EXPECT_EQ(found.records.Runs().runs(), expected.records.Runs().runs());
  ASSERT_EQ(found.blocks.size(), expected.blocks.size());
  for (size_t w = 0; w < found.blocks.size(); ++w) {
    ASSERT_EQ(found.blocks[w].size(), expected.blocks[w].size());
    for (const auto& [block, rows] : found.blocks[w])
      ExpectSameRows(rows, expected.blocks[w].at(block));
  }
}

}  // namespace zhiyin::testing
