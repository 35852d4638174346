#include "worker/train/host_side_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/cluster.h"
#include "tests/support/data_jobs.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::worker::train {
namespace {

constexpr int kWorkers = 4;
constexpr int64_t kRows = 2000;

class HostSideInputs : public ::testing::Test {
 protected:
  HostSideInputs() {
    Random random(1);
    std::string events = "user,item,time,rating\n";
    for (int64_t i = 0; i < kRows; ++i) {
      events += "u" + std::to_string(random.Below(100)) + ",i" + std::to_string(random.Below(30)) +
                "," + std::to_string(random.Below(50)) + ".5,4\n";
    }
    std::string items = "item,color,name\n";
    for (int i = 0; i < 40; ++i)
      items += "i" + std::to_string(i) + ",c" + std::to_string(i % 3) + ",\n";
    job_ = testing::TextJob({folder_.Write("events.csv", events)});
    job_.mutable_data()->mutable_text()->set_header(true);
    Join* join = job_.mutable_data()->add_join();
    join->add_file(folder_.Write("items.csv", items + "i1,twice,\n"));
    join->set_column("item");
    join->set_key("item");
    *join->mutable_text() = job_.data().text();
  }
  void AddBehaviour() {
    zhiyin::Behaviour* behaviour = job_.mutable_data()->mutable_behaviour();
    behaviour->set_user("user");
    behaviour->set_item("item");
    behaviour->set_time("time");
    behaviour->set_history_length(3);
    behaviour->set_last(1);
  }
  /// Reads with a host name for each worker, and calls `check` with what each gets. Returns how
  /// many files were opened.
  int64_t Read(const std::vector<std::string>& hosts,
               const std::function<void(const data::SideInputs&)>& check) {
    data::ReadCounts counts;
    const auto work = [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
      Group group(mailbox, {.n_servers = 1, .n_workers = kWorkers});
      const data::SideInputs inputs = ReadSideInputsOnceAHost(
          job_, hosts[static_cast<size_t>(worker)], kWorkers, &counts, &group);
      check(inputs);
      group.Barrier("the others");
    };
    testing::RunCluster(testing::ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3),
                        {.n_servers = 1, .n_workers = kWorkers}, 1, work);
    return counts.n_files;
  }

  const std::vector<std::string> one_host_ = std::vector<std::string>(kWorkers, HostIdentity());
  testing::TempFolder folder_;
  Job job_;
};

TEST_F(HostSideInputs, AreReadByOneWorkerOfEachHost) {
  EXPECT_EQ(Read(one_host_, [](const auto&) {}), 1);
  EXPECT_EQ(Read({"a", "b", "a", "c"}, [](const auto&) {}), 3);
  AddBehaviour();
  EXPECT_EQ(Read(one_host_, [](const auto&) {}), 2);
  EXPECT_EQ(Read({"a", "b", "b", "a"}, [](const auto&) {}), 4);
}

TEST_F(HostSideInputs, AreWhatAWorkerAloneReads) {
  const auto alone = data::Joins::Read(job_);
  Read(one_host_, [&](const data::SideInputs& inputs) {
    EXPECT_EQ(inputs.behaviour, nullptr);
    const data::JoinedFile& file = *inputs.joins->ByColumn("item");
    const data::JoinedFile& expected = *alone->ByColumn("item");
    EXPECT_EQ(file.columns(), expected.columns());
    EXPECT_EQ(file.bad(), expected.bad());
    EXPECT_EQ(file.n_bad(), 1);
    ASSERT_EQ(file.n_lines(), 40);
    for (int line = 0; line < file.n_lines(); ++line) {
      EXPECT_EQ(file.Find(expected.key(line)), line);
      std::vector<data::Value> values, expected_values;
      file.Append(line, &values);
      expected.Append(line, &expected_values);
      ASSERT_EQ(values.size(), 2u);
      EXPECT_EQ(values[0].text(), expected_values[0].text());
      EXPECT_EQ(values[1].text(), "");
    }
  });
}

TEST_F(HostSideInputs, HaveTheBehaviourThatAWorkerAloneReads) {
  AddBehaviour();
  const auto alone = data::Behaviour::Read(job_);
  Read(one_host_, [&](const data::SideInputs& inputs) {
    const data::Behaviour& behaviour = *inputs.behaviour;
    EXPECT_EQ(behaviour.joins(), inputs.joins);
    EXPECT_EQ(behaviour.item_content(), inputs.joins->ByColumn("item"));
    ASSERT_EQ(behaviour.n_rows(), kRows);
    EXPECT_EQ(behaviour.n_items(), 40) << "with those of the join";
    EXPECT_EQ(behaviour.n_events(), alone->n_events());
    EXPECT_EQ(behaviour.time_kind(), alone->time_kind());
    for (int64_t row = 0; row < kRows; ++row) {
      EXPECT_EQ(behaviour.split(row), alone->split(row));
      EXPECT_EQ(behaviour.HistoryBefore(row), alone->HistoryBefore(row));
    }
    for (int u = 0; u < behaviour.n_users(); ++u)
      EXPECT_EQ(behaviour.HistoryOf(behaviour.FindUser(alone->user(u))), alone->HistoryOf(u));
  });
}

TEST(HostMemory, IsOpenedByItsNameAlone) {
  HostWriter writer;
  HostArray<int> numbers;
  numbers.Fill() = {1, 2, 3};
  HostArray<char> none;
  std::vector<std::string> texts = {"a", ""};
  writer.Array(&numbers);
  EXPECT_TRUE(numbers.empty()) << "let go";
  writer.Array(&none);
  writer.Strings(&texts);
  const auto memory = writer.Finish();
  HostReader reader(HostMemory::Open(memory->name()));
  reader.Array(&numbers);
  reader.Array(&none);
  std::vector<std::string> read;
  reader.Strings(&read);
  EXPECT_THAT(numbers.values(), ::testing::ElementsAre(1, 2, 3));
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(read, texts);
  int behind = 0;
  EXPECT_THROW(reader.Value(&behind), Error);
  EXPECT_THROW(HostMemory::Open(memory->name() + "0"), Error) << "another token";
  EXPECT_THROW(HostMemory::Open("/proc/self/fd/99999 1"), Error);
  EXPECT_THROW(HostMemory::Open("/proc/self/exe 1.2.3.4"), Error);
}

}  // namespace
}  // namespace zhiyin::worker::train
