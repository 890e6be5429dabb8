"""Names as they are heard in Nairobi and Nakuru. Nobody in particular is meant."""

from __future__ import annotations

FEMALE = (
    "Mary", "Grace", "Faith", "Mercy", "Esther", "Jane", "Ruth", "Lucy", "Ann", "Agnes", "Alice", "Beatrice",
    "Caroline", "Catherine", "Christine", "Dorcas", "Eunice", "Eva", "Florence", "Gladys", "Hannah", "Irene",
    "Jackline", "Joyce", "Judith", "Lilian", "Lydia", "Margaret", "Martha", "Naomi", "Nancy", "Pauline", "Peris",
    "Phoebe", "Purity", "Rachael", "Rose", "Sarah", "Stella", "Susan", "Tabitha", "Teresia", "Veronica", "Violet",
    "Winfred", "Zipporah", "Halima", "Amina", "Fatuma", "Zainab",
)  # fmt: skip

MALE = (
    "John", "Peter", "James", "David", "Joseph", "Samuel", "Daniel", "Stephen", "Paul", "Simon", "Francis", "Charles",
    "Patrick", "George", "Michael", "Moses", "Isaac", "Joshua", "Brian", "Kevin", "Dennis", "Victor", "Collins",
    "Evans", "Felix", "Geoffrey", "Gideon", "Henry", "Jackson", "Julius", "Kennedy", "Lawrence", "Martin", "Nicholas",
    "Philip", "Raphael", "Richard", "Robert", "Ronald", "Timothy", "Titus", "Vincent", "Wilson", "Zachary", "Ali",
    "Hassan", "Ibrahim", "Mohamed", "Omar", "Yusuf",
)  # fmt: skip

# For each people: what daughters, sons and families are called.
PEOPLES: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("Wanjiku", "Wambui", "Njeri", "Wairimu", "Wangari", "Nyambura", "Waithira", "Wangui", "Muthoni", "Njoki"),
        ("Kamau", "Njoroge", "Mwangi", "Kariuki", "Karanja", "Njuguna", "Macharia", "Gitau", "Maina", "Waweru"),
        (
            "Kamau",
            "Njoroge",
            "Mwangi",
            "Kariuki",
            "Ng'ang'a",
            "Gachanja",
            "Kimani",
            "Mbugua",
            "Muigai",
            "Thuo",
            "Gathogo",
        ),
    ),
    (
        ("Achieng", "Atieno", "Akinyi", "Adhiambo", "Anyango", "Awuor", "Apiyo", "Akoth", "Auma", "Aoko"),
        ("Otieno", "Ochieng", "Omondi", "Onyango", "Odhiambo", "Okoth", "Owuor", "Opiyo", "Ouma", "Oduor"),
        ("Odhiambo", "Ouma", "Okello", "Odinga", "Owino", "Ogola", "Oloo", "Onyango", "Ogutu", "Were", "Okumu"),
    ),
    (
        ("Nekesa", "Nafula", "Naliaka", "Khasoa", "Nasimiyu", "Makokha", "Ayuma", "Khavere"),
        ("Wafula", "Wekesa", "Barasa", "Simiyu", "Juma", "Wanyonyi", "Shikuku", "Kundu"),
        ("Wafula", "Wekesa", "Barasa", "Simiyu", "Mukhwana", "Khaemba", "Mudavadi", "Shitanda", "Masinde", "Lusaka"),
    ),
    (
        ("Chebet", "Chepkoech", "Jepkosgei", "Jeptoo", "Cherono", "Chelangat", "Jepchirchir", "Chemutai"),
        ("Kiprotich", "Kipchumba", "Kibet", "Kipkemboi", "Cheruiyot", "Kiprop", "Kiplagat", "Rotich"),
        ("Koech", "Rotich", "Chepkwony", "Langat", "Cheruiyot", "Bett", "Kosgei", "Sang", "Mutai", "Tanui", "Kirui"),
    ),
    (
        ("Mwende", "Mumbua", "Ndinda", "Kalondu", "Mutindi", "Nduku", "Syombua", "Katunge"),
        ("Mutua", "Musyoka", "Kioko", "Muli", "Mwanzia", "Kyalo", "Nzioka", "Mutinda"),
        ("Mutua", "Musyoka", "Kilonzo", "Ndambuki", "Muthama", "Mbithi", "Makau", "Nthenge", "Wambua", "Munyao"),
    ),
    (
        ("Kagendo", "Kathure", "Gakii", "Makena", "Nkirote", "Kendi", "Karimi", "Mukami"),
        ("Mutwiri", "Kirimi", "Murithi", "Muriuki", "Gitonga", "Mwenda", "Kinoti", "Mugambi"),
        ("Murithi", "Kirimi", "Gitonga", "M'Mbijjiwe", "Kiraitu", "Mwiti", "Ntongai", "Rukunga", "Kaburu"),
    ),
    (
        ("Kemunto", "Moraa", "Nyaboke", "Kerubo", "Bosibori", "Kwamboka", "Nyanchama", "Gesare"),
        ("Nyakundi", "Mogaka", "Onsongo", "Momanyi", "Ombati", "Makori", "Nyambane", "Ongeri"),
        ("Nyakundi", "Mogaka", "Omwamba", "Nyachae", "Machogu", "Ombongi", "Gisemba", "Moturi", "Bosire"),
    ),
    (
        ("Mwanaisha", "Mariam", "Saumu", "Mwanajuma", "Rehema", "Subira"),
        ("Athman", "Salim", "Bakari", "Rashid", "Hamisi", "Juma"),
        ("Mwinyi", "Kombo", "Abdalla", "Bakari", "Mwakio", "Kalama", "Kazungu", "Charo", "Chengo"),
    ),
)

EMPLOYERS = (
    "Teachers Service Commission", "County Government of Nakuru", "Nairobi City County", "Ministry of Health",
    "Kenya Prisons Service", "Egerton University", "Self-employed", "Farmer", "Shopkeeper", "Boda boda rider",
)  # fmt: skip
