//! What agreements in the demo are about: conditions with goals and items as they may well be written.

use chrono::TimeDelta;
use entity::{
    agreement_version::Party,
    goal::{Achievement, Status as GoalStatus},
    plan_item::Status,
    plan_item_revision::{
        Category::{self, *},
        Owner,
    },
};

use super::super::writer::{GoalText, ItemText, Unit, When, Writer};
use crate::domain::agreement::content::AgreementContent;

/// One condition, told by the patient and by care.
pub struct Theme {
    pub title: &'static str,
    pub story: &'static str,
    pub matters: &'static str,
    pub shared_goal: &'static str,
    pub own: &'static str,
    pub seek_help: &'static str,
    pub results: &'static str,
    /// The first one is the patient's, the second care's.
    pub goals: [&'static str; 2],
    pub items: &'static [Item],
}

/// Days are counted from today.
pub struct Item(pub Category, pub &'static str, pub &'static str, pub Owner, pub Due, pub Status);

#[derive(Clone, Copy)]
pub enum Due {
    On(i64),
    Daily(i64),
    Weekly(i64),
    Within(i64, i64),
    After(&'static str, i64),
}

impl Theme {
    pub fn content(&self) -> AgreementContent {
        let some = |text: &str| Some(text.to_owned());
        AgreementContent {
            title: self.title.to_owned(),
            story: some(self.story),
            what_matters: some(self.matters),
            shared_goal: some(self.shared_goal),
            own_responsibility: some(self.own),
            self_care: some("Rörelse varje dag, regelbundna måltider och vila när kroppen säger ifrån."),
            when_to_seek_help: some(self.seek_help),
            how_results_come: some(self.results),
        }
    }

    pub fn goals(&self, writer: &Writer) -> Vec<GoalText> {
        let goals = self.goals.iter().zip([Party::Patient, Party::Care]);
        goals
            .map(|(text, set_by)| GoalText {
                text: (*text).to_owned(),
                status: GoalStatus::Active,
                achievement: Achievement::InProgress,
                set_by,
                target_on: Some(writer.today + TimeDelta::days(120)),
            })
            .collect()
    }

    pub fn items(&self, writer: &Writer, unit: &Unit) -> Vec<ItemText> {
        self.items.iter().enumerate().map(|(n, item)| item.text(writer, unit, n)).collect()
    }
}

impl Item {
    /// The `n`th item of a plan, done by one of the unit's staff in turn.
    pub fn text(&self, writer: &Writer, unit: &Unit, n: usize) -> ItemText {
        let Self(category, title, description, owner, due, status) = self;
        let day = |days: i64| writer.today + TimeDelta::days(days);
        ItemText {
            category: *category,
            title: (*title).to_owned(),
            description: Some((*description).to_owned()),
            owner: *owner,
            when: match *due {
                Due::On(days) => When::On(day(days)),
                Due::Daily(until) => When::Every("FREQ=DAILY", day(-30), day(until)),
                Due::Weekly(until) => When::Every("FREQ=WEEKLY", day(-30), day(until)),
                Due::Within(from, until) => When::Between(day(from), day(until)),
                Due::After(what, latest) => When::After(what.to_owned(), day(latest)),
            },
            unit: None,
            responsible: (*owner == Owner::Care).then(|| unit.workers[n % 3].assignment),
            goal: Some(n % 2),
            result_how: (*category == Examination)
                .then(|| "Svaret kommer som meddelande, och vi ringer om något behöver ändras.".to_owned()),
            result_by: None,
            status: *status,
            status_reason: (*status == Status::NotDone)
                .then(|| "Det blev inte av på grund av förkylning. Ny tid bokas.".to_owned()),
            work_note: None,
        }
    }
}

const PATIENT: Owner = Owner::Patient;
const CARE: Owner = Owner::Care;
const TODO: Status = Status::Accepted;
const GOING: Status = Status::InProgress;
const DONE: Status = Status::Done;

pub const THEMES: [Theme; 8] = [
    Theme {
        title: "Min plan inför och efter höftoperationen",
        story: "Jag har haft ont i höften i tre år och går numera med käpp. Trapporna hemma är svårast.",
        matters: "Att kunna odla i kolonilotten igen och leka på golvet med barnbarnet.",
        shared_goal: "Gå utan käpp tre månader efter operationen.",
        own: "Jag tränar enligt programmet före och efter operationen och röker inte.",
        seek_help: "Ring oss om såret rodnar, vätskar eller luktar, eller om du får feber. Ring 1177 på kvällar och helger. Ring 112 vid plötslig andnöd eller bröstsmärta.",
        results: "Svar på prover och röntgen kommer som meddelande inom en vecka.",
        goals: [
            "Jag vill gå till kolonin utan käpp",
            "Såret ska vara läkt och smärtan under kontroll efter sex veckor",
        ],
        items: &[
            Item(
                SelfCare,
                "Träna benen enligt programmet",
                "Två gånger om dagen, med vila mellan övningarna.",
                PATIENT,
                Due::Daily(90),
                GOING,
            ),
            Item(
                Information,
                "Gå igenom hemmet inför operationen",
                "Ta bort lösa mattor och höj sängen. Fråga gärna en granne om hjälp.",
                PATIENT,
                Due::On(6),
                TODO,
            ),
            Item(
                Examination,
                "Blodprover inför operationen",
                "Lämnas på vårdcentralen. Du behöver inte vara fastande.",
                CARE,
                Due::On(9),
                TODO,
            ),
            Item(
                Treatment,
                "Inskrivningssamtal",
                "Vi går igenom narkos, smärtlindring och hemgång.",
                CARE,
                Due::On(12),
                TODO,
            ),
            Item(
                FollowUp,
                "Ta bort stygnen",
                "Tiden bokas innan du åker hem från sjukhuset.",
                CARE,
                Due::After("Två veckor efter operationen", 45),
                TODO,
            ),
            Item(
                Referral,
                "Remiss till ortopeden",
                "Remissen är skickad och bedömd.",
                CARE,
                Due::On(-20),
                DONE,
            ),
        ],
    },
    Theme {
        title: "Min plan med diabetes",
        story: "Jag fick typ 2-diabetes för fem år sedan. Det går bra i perioder, men stressiga veckor tappar jag rutinerna.",
        matters: "Att orka jobba heltid och slippa gå upp på natten.",
        shared_goal: "Jämnare blodsocker och en vardag utan att maten styr allt.",
        own: "Jag mäter sockret på morgonen och skriver upp det.",
        seek_help: "Ring diabetessköterskan om värdet ligger över 15 två dagar i rad. Ring 112 vid medvetslöshet.",
        results: "Långtidssockret kommer som meddelande inom fem dagar.",
        goals: [
            "Jag vill kunna äta middag med familjen utan att räkna hela tiden",
            "Långtidssockret under 53",
        ],
        items: &[
            Item(
                SelfCare,
                "Mäta blodsockret varje morgon",
                "Skriv upp värdet i boken eller i appen.",
                PATIENT,
                Due::Daily(60),
                GOING,
            ),
            Item(
                SelfCare,
                "Promenad efter middagen",
                "Tjugo minuter räcker.",
                PATIENT,
                Due::Daily(60),
                GOING,
            ),
            Item(
                Examination,
                "Prov för långtidssocker",
                "Lämnas på vårdcentralen veckan före återbesöket.",
                CARE,
                Due::Within(10, 17),
                TODO,
            ),
            Item(
                Examination,
                "Fotundersökning",
                "Hos diabetessköterskan, tar en kvart.",
                CARE,
                Due::On(24),
                TODO,
            ),
            Item(
                Referral,
                "Ögonbottenfoto",
                "Kallelsen kommer från ögonkliniken.",
                CARE,
                Due::After("När kallelsen har kommit", 60),
                TODO,
            ),
        ],
    },
    Theme {
        title: "Min plan med astma och kol",
        story: "Jag har rökt i trettio år men slutade i våras. Nu vill jag orka mer innan vintern.",
        matters: "Att kunna sjunga i kören utan att tappa andan.",
        shared_goal: "Färre dagar med andnöd och ingen akut försämring i vinter.",
        own: "Jag tar inhalationerna morgon och kväll och håller mig rökfri.",
        seek_help: "Ring oss om slemmet ökar eller ändrar färg. Ring 112 om du inte kan prata i hela meningar.",
        results: "Resultatet av spirometrin går vi igenom på besöket.",
        goals: [
            "Jag vill sjunga med på vårkonserten",
            "Rätt inhalationsteknik och en skriftlig plan vid försämring",
        ],
        items: &[
            Item(
                Treatment,
                "Inhalationer morgon och kväll",
                "Skölj munnen efteråt.",
                PATIENT,
                Due::Daily(120),
                GOING,
            ),
            Item(
                SelfCare,
                "Träna med andningsgruppen",
                "Torsdagar klockan tio i gymnastiksalen.",
                PATIENT,
                Due::Weekly(70),
                GOING,
            ),
            Item(
                Examination,
                "Spirometri",
                "Ta inte den luftrörsvidgande medicinen samma morgon.",
                CARE,
                Due::On(15),
                TODO,
            ),
            Item(
                Information,
                "Skriva en plan vid försämring",
                "Vi skriver den tillsammans, på en sida.",
                CARE,
                Due::On(15),
                TODO,
            ),
            Item(Treatment, "Vaccination mot influensa", "Given på vårdcentralen.", CARE, Due::On(-25), DONE),
        ],
    },
    Theme {
        title: "Min plan med hjärtsvikt",
        story: "Jag märkte det på att skorna blev för trånga. Nu vet jag vad det är, men jag är orolig på nätterna.",
        matters: "Att sova plant och kunna åka till stugan i sommar.",
        shared_goal: "Stabil vikt, rätt dos av medicinerna och trygghet hemma.",
        own: "Jag väger mig varje morgon och ringer om vikten ökar två kilo på tre dagar.",
        seek_help: "Ring hjärtmottagningen vid viktuppgång eller svullna ben. Ring 112 vid bröstsmärta eller svår andnöd.",
        results: "Provsvaren ringer vi om när doserna ändras.",
        goals: ["Jag vill åka till stugan vid midsommar", "Måldos av hjärtmedicinerna inom tre månader"],
        items: &[
            Item(
                SelfCare,
                "Väga mig varje morgon",
                "Före frukost, skriv upp vikten.",
                PATIENT,
                Due::Daily(90),
                GOING,
            ),
            Item(
                FollowUp,
                "Telefonsamtal om doserna",
                "Sjuksköterskan ringer. Ha vikterna till hands.",
                CARE,
                Due::On(7),
                TODO,
            ),
            Item(
                Examination,
                "Blodprover efter dosändring",
                "Två veckor efter varje ändring.",
                CARE,
                Due::After("Två veckor efter dosändringen", 21),
                TODO,
            ),
            Item(
                Examination,
                "Ultraljud av hjärtat",
                "På sjukhuset, tar fyrtio minuter.",
                CARE,
                Due::Within(30, 60),
                TODO,
            ),
        ],
    },
    Theme {
        title: "Min väg tillbaka till jobbet",
        story: "Jag gick in i väggen i höstas. Jag sover dåligt och blir trött av folk och ljud.",
        matters: "Att känna igen mig själv, och att barnen inte behöver vara försiktiga.",
        shared_goal: "Åter i arbete på halvtid i en takt som håller.",
        own: "Jag håller fasta tider för sömn och säger till när det blir för mycket.",
        seek_help: "Ring oss om du börjar sova sämre igen. Ring 112 eller sök psykiatrisk akutmottagning om du har tankar på att inte vilja leva.",
        results: "Vi följer upp med skattning vid varje samtal.",
        goals: [
            "Jag vill orka en vanlig vardag med barnen",
            "Plan för återgång i arbete tillsammans med arbetsgivaren",
        ],
        items: &[
            Item(
                Treatment,
                "Samtal hos kurator",
                "Varannan vecka, sex gånger.",
                CARE,
                Due::Within(3, 90),
                GOING,
            ),
            Item(SelfCare, "Sömndagbok", "Skriv tider, inte tankar.", PATIENT, Due::Daily(30), GOING),
            Item(
                Coordination,
                "Möte med arbetsgivaren",
                "Rehabkoordinatorn kallar och är med.",
                CARE,
                Due::On(20),
                TODO,
            ),
            Item(
                SelfCare,
                "Promenad i skogen utan telefon",
                "En halvtimme räcker.",
                PATIENT,
                Due::Weekly(60),
                TODO,
            ),
        ],
    },
    Theme {
        title: "Min plan efter stroke",
        story: "Jag fick en stroke i våras. Talet är nästan som förut, men högerhanden lyder inte.",
        matters: "Att kunna skriva för hand och laga mat själv.",
        shared_goal: "Självständig i köket och trygg ute.",
        own: "Jag tränar handen varje dag och går ut även när det tar emot.",
        seek_help: "Ring 112 genast vid ansiktsförlamning, svaghet i en arm eller svårt att tala, även om det går över.",
        results: "Bedömningarna går vi igenom på varje besök.",
        goals: ["Jag vill skriva julkorten själv", "Gå säkert utomhus utan sällskap"],
        items: &[
            Item(
                Treatment,
                "Handträning hos arbetsterapeut",
                "En gång i veckan, hemma eller på mottagningen.",
                CARE,
                Due::Within(2, 60),
                GOING,
            ),
            Item(
                SelfCare,
                "Hemövningar för handen",
                "Tio minuter tre gånger om dagen.",
                PATIENT,
                Due::Daily(60),
                GOING,
            ),
            Item(
                LoanOfEquipment,
                "Prova ut griptång och skärbräda",
                "Arbetsterapeuten har med sig hjälpmedlen.",
                CARE,
                Due::On(11),
                TODO,
            ),
            Item(
                FollowUp,
                "Läkarbesök om blodtryck och medicin",
                "Ta med din läkemedelslista.",
                CARE,
                Due::On(28),
                TODO,
            ),
            Item(
                Information,
                "Samtal om bilkörning",
                "Blev inte av, ny tid behövs.",
                CARE,
                Due::On(-6),
                Status::NotDone,
            ),
        ],
    },
    Theme {
        title: "Min plan för att bo kvar hemma",
        story: "Jag är gammal nu och benen bär sämre. Men hemma vill jag vara, med katten.",
        matters: "Att bo kvar hemma och slippa ramla.",
        shared_goal: "Trygg hemma, med en som vet hur jag har det.",
        own: "Jag tar på mig larmet och säger till när något känns fel.",
        seek_help: "Tryck på larmet om du ramlar. Ring hemvården dygnet runt. Ring 112 om det är bråttom.",
        results: "Vi berättar på nästa hembesök, och din dotter får veta om du vill.",
        goals: ["Jag vill bo kvar i min lägenhet", "Inga fall det närmaste halvåret"],
        items: &[
            Item(
                Examination,
                "Genomgång av fallrisker hemma",
                "Arbetsterapeuten går igenom varje rum med dig.",
                CARE,
                Due::On(5),
                TODO,
            ),
            Item(
                Coordination,
                "Läkemedelsgenomgång",
                "Läkare och sjuksköterska går igenom listan tillsammans.",
                CARE,
                Due::On(18),
                TODO,
            ),
            Item(
                SelfCare,
                "Resa sig från stolen tio gånger",
                "Före frukost, gärna med någon i rummet.",
                PATIENT,
                Due::Daily(90),
                GOING,
            ),
            Item(
                LoanOfEquipment,
                "Rollator och handtag i badrummet",
                "Är på plats.",
                CARE,
                Due::On(-14),
                DONE,
            ),
        ],
    },
    Theme {
        title: "Min plan med långvarig smärta",
        story: "Jag har haft ont i ryggen i många år. Tabletterna hjälper lite, rörelse hjälper mer.",
        matters: "Att kunna sitta genom en bio och sova hela natten.",
        shared_goal: "Mer rörelse, mindre tabletter, bättre sömn.",
        own: "Jag gör övningarna även de dagar då det gör ont, men lugnare.",
        seek_help: "Ring oss om benen domnar eller blir svaga. Ring 112 om du tappar kontrollen över blåsa eller tarm.",
        results: "Vi stämmer av på varje besök.",
        goals: ["Jag vill se en hel film på bio", "Halverad dos av smärtstillande inom fyra månader"],
        items: &[
            Item(
                Treatment,
                "Träning hos fysioterapeut",
                "En gång i veckan, i grupp.",
                CARE,
                Due::Within(4, 80),
                GOING,
            ),
            Item(SelfCare, "Ryggövningar hemma", "En kvart om dagen.", PATIENT, Due::Daily(80), GOING),
            Item(
                Coordination,
                "Plan för att trappa ned tabletterna",
                "Läkaren skriver den med dig.",
                CARE,
                Due::On(13),
                TODO,
            ),
            Item(FollowUp, "Avstämning på telefon", "Hur går det med sömnen?", CARE, Due::On(35), TODO),
        ],
    },
];
