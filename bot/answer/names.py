"""Given names that are common in the United States, in English and Spanish: found in a text without any cue."""

GIVEN = frozenset(
    [
        "aaron", "abigail", "adam", "alan", "albert", "alejandro", "alexander", "alexis", "alice", "amanda",
        "amber", "amy", "ana", "andrea", "andrew", "angela", "ann", "anna", "anthony", "antonio", "art", "arthur",
        "ashley", "austin", "ava", "barbara", "benjamin", "beth", "betty", "beverly", "bill", "billy", "bob",
        "bobby", "bradley", "brandon", "brenda", "brian", "brittany", "bruce", "bryan", "camila", "carl", "carlos",
        "carmen", "carol", "carolyn", "catherine", "charles", "charlotte", "cheryl", "chloe", "chris", "christina",
        "christine", "christopher", "cynthia", "dan", "daniel", "daniela", "danielle", "dave", "david", "dawn",
        "deborah", "debra", "denise", "dennis", "diana", "diane", "diego", "donald", "donna", "dorothy", "douglas",
        "drew", "dylan", "eduardo", "edward", "elena", "elijah", "elizabeth", "emily", "emma", "eric", "ethan",
        "eugene", "evelyn", "faith", "fernando", "frances", "francisco", "frank", "gabriel", "gary", "george",
        "gerald", "gloria", "grace", "gregory", "hannah", "harold", "heather", "helen", "henry", "hope", "isabel",
        "isabella", "jack", "jacob", "jacqueline", "james", "jane", "janet", "janice", "jason", "javier", "jean",
        "jeffrey", "jennifer", "jenny", "jeremy", "jerry", "jesse", "jessica", "jim", "joan", "joe", "john",
        "johnny", "jonathan", "jordan", "jorge", "jose", "joseph", "joshua", "joy", "joyce", "juan", "judith",
        "judy", "julia", "julie", "justin", "karen", "kate", "katherine", "kathleen", "kathryn", "katie", "kayla",
        "keith", "kelly", "kenneth", "kevin", "kimberly", "kyle", "larry", "laura", "lauren", "lawrence", "liam",
        "linda", "lisa", "liz", "logan", "lori", "louis", "lucas", "lucia", "luis", "madison", "manuel", "margaret",
        "maria", "mariana", "marilyn", "mark", "martha", "mary", "mason", "matt", "matthew", "megan", "melissa",
        "mia", "michael", "michelle", "miguel", "mike", "nancy", "natalie", "nathan", "nicholas", "nicole", "noah",
        "oliver", "olivia", "pamela", "patricia", "patrick", "paul", "pedro", "peter", "philip", "rachel", "ralph",
        "randy", "rebecca", "ricardo", "richard", "robert", "roger", "ronald", "rosa", "rose", "roy", "russell",
        "ruth", "ryan", "samantha", "samuel", "sandra", "sara", "sarah", "scott", "sean", "sharon", "shirley",
        "sofia", "sophia", "sophie", "stephanie", "stephen", "steve", "steven", "susan", "susie", "teresa", "terry",
        "theresa", "thomas", "timothy", "tom", "tony", "tyler", "valeria", "victoria", "vincent", "virginia",
        "walter", "wayne", "will", "william", "willie", "zachary", "zoe",
    ]
)
# … and everyday words as well: these count only when they are written as names.
ALSO_WORDS = frozenset(
    [
        "amber", "art", "austin", "bill", "bob", "dan", "dave", "dawn", "drew", "faith", "frank", "gene", "gloria",
        "grace", "hope", "jack", "jean", "jim", "jordan", "joy", "kay", "madison", "mark", "mason", "mike", "ray",
        "rose", "scott", "victoria", "virginia", "will",
    ]
)
