//! The plan document in both languages: whole, well-formed, and safe whatever a plan holds.

use document::plan_document::{html, markdown};
use document::words;
use expect_test::expect;
use plan::check::GapCode;
use plan::{Lang, Plan, Words, built_in};

/// Every text of the plan that the document must show, without what is a name for the program.
fn texts(plan: &Plan, lang: Lang) -> Vec<String> {
    fn walk(value: &serde_json::Value, lang: Lang, out: &mut Vec<String>) {
        let words = || serde_json::from_value::<Words>(value.clone()).ok();
        // A list of two texts would be read as `Words` too.
        if let Some(words) = value.as_object().and_then(|_| words()) {
            out.push(words.in_lang(lang).to_owned());
        } else if let Some(fields) = value.as_object() {
            fields.values().for_each(|field| walk(field, lang, out));
        } else if let Some(list) = value.as_array() {
            list.iter().for_each(|element| walk(element, lang, out));
        }
    }
    let mut out = Vec::new();
    walk(&serde_json::to_value(plan).unwrap(), lang, &mut out);
    out
}

/// What a reader sees of a Markdown file.
fn seen(markdown: &str) -> String {
    markdown.replace('\\', "").replace("<br>", "\n")
}

fn unescaped(html: &str) -> String {
    let marks = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    marks
        .iter()
        .fold(html.to_owned(), |text, (mark, c)| text.replace(mark, c))
}

#[test]
fn both_formats_hold_every_text_of_the_plan_in_both_languages() {
    let plan = built_in::plan();
    for lang in Lang::ALL {
        let (markdown, html) = (seen(&markdown(plan, lang)), unescaped(&html(plan, lang)));
        let texts = texts(plan, lang);
        assert!(
            texts.len() > 700,
            "the walk finds the plan's texts: {}",
            texts.len()
        );
        for text in texts {
            assert!(markdown.contains(&text), "{lang} Markdown lacks: {text}");
            assert!(html.contains(&text), "{lang} HTML lacks: {text}");
        }
        for form in &plan.forms {
            assert!(markdown.contains(&form.id), "{}", form.id);
        }
    }
}

#[test]
fn chapters_stand_in_the_order_of_the_outline() {
    let chapters = |lang| {
        let text = markdown(built_in::plan(), lang);
        let lines = text.lines().filter(|line| line.starts_with("## "));
        lines
            .map(|line| line[3..].to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    };
    expect![[r#"
        目录
        1 总则
        2 预案目标
        3 风险分析与影响评估
        4 事件分类与分级
        5 组织机构与职责
        6 监测与预警
        7 应急处置流程
        8 信息报告与通知
        9 后期处置
        10 物资清单与资源配置
        11 培训与演练
        12 评估机制与预案管理
        13 附则
        附件A 联系人
        附件B 分级表
        附件C 报告时限表
        附件D 表单
        附件E 文本模板
        附件F 术语"#]]
    .assert_eq(&chapters(Lang::Zh));
    expect![[r#"
        Contents
        1 General
        2 Objectives
        3 Risk analysis and impact assessment
        4 Classes and grades of events
        5 Organisation and duties
        6 Monitoring and warning
        7 Response process
        8 Reports and notices
        9 After the event
        10 Means and resources
        11 Training and drills
        12 Evaluation and plan management
        13 Final provisions
        Annex A: Contacts
        Annex B: Grade table
        Annex C: Deadline table
        Annex D: Forms
        Annex E: Texts
        Annex F: Terms"#]]
    .assert_eq(&chapters(Lang::En));
}

#[test]
fn deadlines_and_duties_stand_apart() {
    let text = markdown(built_in::plan(), Lang::Zh);
    let start = text.find("### 8.2").unwrap();
    let end = text.find("### 8.4").unwrap();
    expect![[r#"
        ### 8.2 有明确期限的法定义务

        时限从所列起点起算，含夜间和节假日；起点尚未发生的，时限不起算。各时限相互独立，办理一项不影响其他项。可先报已掌握的内容，其余及时补报。

        | 事项 | 适用情形 | 起算点 | 期限 | 对象 |
        | --- | --- | --- | --- | --- |
        | 向属地省级网信部门报告（4小时） | 较大（Ⅲ级）以上；不涉及关键信息基础设施 | 发现或获知事件 | 4小时 | 属地省级网信部门 |
        | 关键信息基础设施事件报告（1小时） | 较大（Ⅲ级）以上；涉及关键信息基础设施 | 发现或获知事件 | 1小时 | 保护工作部门和公安机关 |
        | 处置结束后的总结报告（30日） | 较大（Ⅲ级）以上 | 处置结束 | 30日（自然日，起算日不计入） | 首次报告的接收部门 |
        | 案件报告公安机关（24小时） | 涉嫌犯罪 | 发现或获知事件 | 24小时 | 当地县级以上公安机关 |

        ### 8.3 “立即”“及时”办理的法定义务

        法律未规定具体数字；括号内为本单位自定目标，不是法定期限。

        | 事项 | 适用情形 | 起算点 | 期限 | 对象 |
        | --- | --- | --- | --- | --- |
        | 补报新情况 | 较大（Ⅲ级）以上；不涉及关键信息基础设施 | 首次报告已报送 | 及时（本单位目标：24小时） | 首次报告的接收部门 |
        | 补报新情况（关键信息基础设施） | 较大（Ⅲ级）以上；涉及关键信息基础设施 | 首次报告已报送 | 及时（本单位目标：24小时） | 保护工作部门和公安机关 |
        | 涉嫌犯罪及时报案 | 涉嫌犯罪 | 发现或获知事件 | 及时（本单位目标：24小时） | 公安机关 |
        | 个人信息事件：通知主管部门 | 个人信息泄露、篡改、丢失或可能发生 | 发现或获知事件 | 立即（本单位目标：4小时） | 履行个人信息保护职责的部门 |
        | 个人信息事件：通知个人 | 个人信息泄露、篡改、丢失或可能发生 | 发现或获知事件 | 立即（本单位目标：72小时） | 受影响的个人（措施能有效避免危害的可以不通知，须记录理由） |
        | 网络数据安全事件：启动预案并报告 | 本预案范围内的所有事件 | 发现或获知事件 | 立即（本单位目标：4小时） | 有关主管部门 |
        | 通知利害关系人 | 损害用户、商家或合作方的合法权益 | 发现或获知事件 | 及时（本单位目标：72小时） | 合法权益受损害的用户、商家和合作方（法律、行政法规规定可以不通知的除外） |
        | 数据安全事件：处置、告知用户并报告 | 本预案范围内的所有事件 | 发现或获知事件 | 立即（本单位目标：4小时） | 用户和有关主管部门 |
        | 危害网络安全的事件：启动预案、补救并报告 | 本预案范围内的所有事件 | 发现或获知事件 | 立即（本单位目标：4小时） | 有关主管部门 |
        | 个人信息泄露、毁损、丢失：补救、告知并报告 | 个人信息泄露、篡改、丢失或可能发生 | 发现或获知事件 | 立即（本单位目标：72小时） | 用户和有关主管部门 |
        | 平台网络安全事件：启动预案、补救并报告 | 本预案范围内的所有事件 | 发现或获知事件 | 立即（本单位目标：4小时） | 有关主管部门 |
        | 支付差错或未经授权的支付：止损并更正 | 发现未经授权的支付或支付差错 | 发现或获知事件 | 立即（本单位目标：4小时） | 受影响的用户 |

    "#]].assert_eq(&text[start..end]);
    let text = markdown(built_in::plan(), Lang::En);
    let rows = text.lines().filter(|line| line.starts_with("| Report "));
    expect![[r#"
        | Report to the provincial cyberspace administration (4 h) | relatively major (Ⅲ, 较大) or graver; no critical information infrastructure concerned | finding or learning of the event | 4 h | provincial cyberspace administration of the place |
        | Report of an incident at critical information infrastructure (1 h) | relatively major (Ⅲ, 较大) or graver; critical information infrastructure concerned | finding or learning of the event | 1 h | CII protection department and public security organ |
        | Report a case to the police (24 h) | a crime is suspected | finding or learning of the event | 24 h | local public security organ at county level or above |
        | Report a suspected crime | a crime is suspected | finding or learning of the event | promptly (our own target: 24 h) | public security organ |"#]].assert_eq(&rows.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_group_and_a_step_read_well() {
    let text = markdown(built_in::plan(), Lang::En);
    let start = text.find("### 5.1").unwrap();
    expect![[r#"
        ### 5.1 Leading group for data-security emergencies

        - **Lead**: Chief information officer (CIO)
        - **Deputy**: Head of information security
        - **Members**: Head of technical support, Head of customer service, Head of legal, Head of marketing

        #### Duties

        - Carries out this plan, commands, and co-ordinates the groups and outside help.
        - Decides how the event is handled: starts and ends the response, issues orders, approves holds and repairs of data.
        - Assesses the impact, confirms the grade of the event and the level of the response.
        - Reports to the senior management with a one-page brief at the set cadence.
        - Moves people, money, equipment and outside security experts to where they are needed.

    "#]].assert_eq(&text[start..text.find("### 5.2").unwrap()]);
    let start = text.find("### 7.1").unwrap();
    expect![[r#"
        ### 7.1 P1 Report and first assessment

        Whoever sees something odd reports at once; the leading group is called as soon as the report is sent; the response group assesses severity and likely scope, and a person in charge confirms the grade.

        - **Target**: 15 min
        - **To enter**: a report or a finding stands
        - **To leave**: the level's groups are called out; the lead or deputy of each group has answered; the grade is confirmed; the required tasks are done or waived

        | Task | Detail | Group | Owner | Target | Required | Waits for; from which grade |
        | --- | --- | --- | --- | --- | --- | --- |
        | Register and check the report | Fill in the incident report (F-01): who saw what and when, and whether it goes on. What is unknown is written as unknown and holds nothing up. | Response group | Security engineer | 5 min | yes | none |
        | Assess severity and likely scope | Fill in the assessment (F-02): orders, users, money and kinds of data, each marked known, estimated or unknown; judge the class of event and whether it is malicious. | Response group | Head of information security | 10 min | yes | Register and check the report, may be begun before, with a reason |
        | Confirm the grade and the response level | Check the grade computed from the statutory tables and its reason, judge the qualitative criteria, and confirm. Own criteria may only raise the response level. | Leading group for data-security emergencies | Chief information officer (CIO) | 15 min | yes | Assess severity and likely scope, may be begun before, with a reason |
        | Check which legal time limits apply | Go through the table of time limits: personal information, critical infrastructure, suspected crime, unauthorised payments; check whether rules of the telecommunications or payment regulators run in parallel; name who files. | Legal support group | Head of legal | 15 min | no | none |

    "#]].assert_eq(&text[start..text.find("### 7.2").unwrap()]);
}

/// Void elements of the page; every other one is closed in order.
fn assert_well_formed(page: &str) {
    let mut open: Vec<String> = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part.split_once('>').expect("every tag ends");
        let name = tag.split_whitespace().next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop().as_deref(), Some(closed), "{tag}"),
            None if ["!doctype", "meta"].contains(&name) => {}
            None => open.push(name.to_owned()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_page_is_self_contained_and_well_formed() {
    for lang in Lang::ALL {
        let page = html(built_in::plan(), lang);
        assert_well_formed(&page);
        for foreign in [
            "<script", "<link", "<img", "http:", "https:", "url(", "@import", " on",
        ] {
            let tags = page.split('<').filter_map(|part| part.split_once('>'));
            let inside = tags
                .map(|(tag, _)| format!("<{tag}"))
                .any(|tag| tag.contains(foreign));
            assert!(!inside, "{foreign}");
        }
        assert!(page.contains(&format!("<html lang=\"{lang}\">")));
    }
}

#[test]
fn a_hostile_plan_stays_text() {
    let mut plan = built_in::plan().clone();
    let evil = "</style></title><script>alert(1)</script> & | `x` [y](javascript:z)";
    plan.title = Words::new(evil, evil);
    plan.goals[0] = Words::new(evil, evil);
    plan.positions[0].title = Words::new(evil, evil);
    plan.texts[0].body = Words::new(evil, evil);
    for lang in Lang::ALL {
        let page = html(&plan, lang);
        assert_well_formed(&page);
        assert!(!page.contains("<script"));
        let text = markdown(&plan, lang);
        let outside_fences = text.split("```").step_by(2).collect::<String>();
        let outside_fences = outside_fences.replace("\\<", "").replace("\\]", "");
        assert!(!outside_fences.contains("<script"));
        assert!(!outside_fences.contains("](javascript"));
    }
}

#[test]
fn a_plan_with_holes_is_still_written() {
    let mut plan = built_in::plan().clone();
    plan.levels.clear();
    plan.schemes.clear();
    plan.positions.clear();
    plan.classes.clear();
    plan.resources[0].kind = "vehicle".into();
    plan.clocks[0].confidence = "hearsay".into();
    for lang in Lang::ALL {
        let text = markdown(&plan, lang);
        assert!(text.contains("cio"), "an unknown position shows as its id");
        assert!(text.contains("hearsay"));
        assert!(text.contains(plan.resources[0].title.in_lang(lang)));
        assert_well_formed(&html(&plan, lang));
    }
}

#[test]
fn every_gap_has_words() {
    for lang in Lang::ALL {
        for code in GapCode::ALL {
            let key = format!("gap-{}", code.code());
            assert!(words(lang).get(&key).is_some(), "{lang}: {key}");
        }
    }
}

#[test]
fn every_name_that_a_plan_may_use_has_words() {
    use plan::{Act, Anchor, Condition, Direction};
    let mut keys: Vec<String> = Vec::new();
    let mut name = |prefix: &str, value: serde_json::Value| {
        let name = value.as_str().unwrap().replace('_', "-");
        keys.push(format!("{prefix}-{name}"));
    };
    for act in Act::ALL {
        name("plan-act", serde_json::to_value(act).unwrap());
    }
    use Condition::*;
    for condition in [
        Reported,
        CalledOut,
        LeadsReached,
        GradeConfirmed,
        OrderIssued,
        OrdersAnswered,
        OrdersDone,
        EvidenceCollected,
        LossContained,
        DataRecovered,
        AuditClean,
        UsersTold,
        DutiesMet,
        WatchedQuiet,
        HoldsLifted,
        TasksDone,
        LessonsRecorded,
    ] {
        name("plan-condition", serde_json::to_value(condition).unwrap());
    }
    use Anchor::*;
    for anchor in [Occurred, Discovered, Classified, FiledPrevious, Handled] {
        name("plan-anchor", serde_json::to_value(anchor).unwrap());
    }
    use Direction::*;
    for direction in [
        Regulator,
        Individual,
        Police,
        Upstream,
        AuthorityToAuthority,
    ] {
        name("plan-direction", serde_json::to_value(direction).unwrap());
    }
    for key in keys {
        for lang in Lang::ALL {
            assert!(words(lang).get(&key).is_some(), "{lang}: {key}");
        }
    }
}
